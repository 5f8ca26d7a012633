package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"certctl/acme"
	"certctl/caa"
	"certctl/delegation"
	"certctl/issuance"
)

// permitted returns a function that says why a CA may not issue what is asked
// for. What cannot be found out is left to the CA.
func (r *run) permitted() func(context.Context, *acme.Account, issuance.Request) error {
	finder := &caa.Finder{Resolver: r.resolver, Client: r.client}
	return func(ctx context.Context, account *acme.Account, request issuance.Request) error {
		if _, ok := account.CA.Profiles[request.Profile]; !ok && request.Profile != "" {
			return fmt.Errorf("the CA has no profile %q but %s", request.Profile, orNone(slices.Sorted(maps.Keys(account.CA.Profiles))))
		}
		for _, name := range request.Names {
			if err := bound(ctx, finder, account, name); err != nil {
				return err
			}
		}
		return nil
	}
}

// bound says which CAA record keeps a CA from issuing for a name.
func bound(ctx context.Context, finder *caa.Finder, account *acme.Account, domain string) error {
	base, wildcard := strings.CutPrefix(domain, "*.")
	name, err := delegation.ParseName(base)
	if err != nil {
		return err
	}
	set, err := finder.Find(ctx, name)
	if err != nil {
		return nil // the CA looks for itself
	}
	v := caa.Judge(set.Records, caa.Request{
		Wildcard: wildcard, Identities: account.CA.CAAIdentities, Account: account.URL, Method: "dns-01",
	})
	if v.Forbidden() {
		return fmt.Errorf("%s: CAA %s at %s forbids it to the CA", domain, v.Record, set.Owner.Bare())
	}
	return nil
}

func orNone(words []string) string {
	return first(strings.Join(words, ", "), "none")
}
