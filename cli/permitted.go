package cli

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
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
			if err := bound(ctx, finder, account, name, request.Challenges); err != nil {
				return err
			}
		}
		return nil
	}
}

// bound says which CAA record keeps a CA from issuing for a name, by any of the
// challenges that may be used. None is about IP addresses: RFC 8659 has domains only.
func bound(ctx context.Context, finder *caa.Finder, account *acme.Account, domain string, challenges []acme.ChallengeType) error {
	if _, err := netip.ParseAddr(domain); err == nil {
		return nil
	}
	base, wildcard := strings.CutPrefix(domain, "*.")
	name, err := delegation.ParseName(base)
	if err != nil {
		return err
	}
	set, err := finder.Find(ctx, name)
	if err != nil {
		return nil // the CA looks for itself
	}
	if len(challenges) == 0 {
		challenges = issuance.DefaultChallenges
	}
	var v caa.Verdict
	for _, challenge := range challenges {
		v = caa.Judge(set.Records, caa.Request{
			Wildcard: wildcard, Identities: account.CA.CAAIdentities, Account: account.URL, Method: string(challenge),
		})
		if !v.Forbidden() {
			return nil
		}
	}
	return fmt.Errorf("%s: CAA %s at %s forbids it to the CA", domain, v.Record, set.Owner.Bare())
}

func orNone(words []string) string {
	return first(strings.Join(words, ", "), "none")
}
