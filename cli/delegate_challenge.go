package cli

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"certctl/acme"
	"certctl/config"
	"certctl/delegate"
	"certctl/persist"
)

// delegated takes over which challenge is to be delegated, or what stands for a
// delegation.
func (r *run) delegated(c *cli.Context, request *delegate.Request) (acme.ChallengeType, error) {
	t, err := r.preferredType(c, request.Names[0])
	if err != nil {
		return t, err
	}
	ca, err := chooseCA(c, r.config)
	if err != nil {
		return t, err
	}
	elsewhere := c.String("to") != "" || len(c.StringSlice("ns")) > 0 || c.String("acme-dns") != ""
	account, err := r.accountAt(ca, t)
	if err != nil {
		return t, err
	}
	request.Prefix = account.Prefix(t)
	switch {
	case request.Prefix == "":
		return t, usagef("--challenge dns-01", "%s has no record that could be delegated", t)
	case t == acme.DNSPersist01 && !elsewhere:
		request.Standing, err = r.standing(c, ca)
	case !elsewhere:
		err = usagef("--to auth.example.net delegates by CNAME, --ns ns1.example.net by NS; --challenge dns-persist-01 needs neither", "where to delegate to is not given: --to, --ns or --acme-dns")
	}
	return t, err
}

// standing returns what records of dns-persist-01 say. The account has to be one
// that the CA knows: whoever gets its URL later would be the one who may issue.
func (r *run) standing(c *cli.Context, ca *config.ACME) (delegate.Standing, error) {
	if c.Bool("offline") {
		return nil, usagef("", "with --offline the CA is not asked what a record of dns-persist-01 has to say")
	}
	account, err := r.accountFor(c.Context, ca, acme.DNSPersist01)
	if err != nil {
		return nil, err
	}
	details, err := account.Details(c.Context)
	if err != nil {
		return nil, err
	}
	if details.Status != acme.Valid {
		return nil, fmt.Errorf("the account %s is %s", account.URL, details.Status)
	}
	terms, err := account.PersistTerms()
	if err != nil {
		return nil, fmt.Errorf("dns-persist-01: the directory of the CA has %w", err)
	}
	lasts, err := persistFor(c, r.config)
	if err != nil {
		return nil, err
	}
	var until time.Time
	if lasts > 0 {
		until = time.Now().Add(lasts).Truncate(time.Hour)
	}
	return func(domain string, wildcard bool) string {
		need := persist.Need{Issuers: terms.Issuers, Accounts: terms.Accounts(domain), Wildcard: wildcard}
		return need.Record(until).String()
	}, nil
}
