package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/urfave/cli/v2"

	"certctl/acme"
	"certctl/config"
	"certctl/issuance"
	"certctl/store"
)

// depth is how far a dry run goes. It is a flag that may have a value.
type depth string

// The depths of a dry run.
const (
	planOnly  depth = "plan"  // find places and credentials
	dnsOnly   depth = "dns"   // write a random value at each place, and remove it
	fullOrder depth = "order" // a real order, of which nothing is kept
)

// Set reads the value; without one the flag parser says true.
func (d *depth) Set(word string) error {
	switch depth(word) {
	case planOnly, dnsOnly, fullOrder:
		*d = depth(word)
	case "true":
		*d = fullOrder
	default:
		return errors.New("it is plan, dns, or order (the default)")
	}
	return nil
}

func (d *depth) String() string { return string(*d) }

// IsBoolFlag lets the flag parser accept the flag without a value.
func (*depth) IsBoolFlag() bool { return true }

func dryRunFlag() cli.Flag {
	return &cli.GenericFlag{Name: "dry-run", Value: new(depth), Usage: "`=HOW`: keep nothing; =order, the default: a real order, at the CA's staging or at --server; =dns: write a random value, wait for it, remove it; =plan: only read"}
}

func dryRun(c *cli.Context) depth {
	if d, ok := c.Generic("dry-run").(*depth); ok {
		return *d
	}
	return ""
}

// rehearse does a dry run.
func (r *run) rehearse(c *cli.Context, ca *config.ACME, requests []issuance.Request, rep *reporter) error {
	rep.rehearsal = true
	var results []*issuance.Result
	if d := dryRun(c); d == fullOrder {
		var err error
		if results, err = r.orderForNothing(c, ca, requests, rep); err != nil {
			return err
		}
	} else {
		account, err := r.imagined(c.Context, ca, requests)
		if err != nil {
			return err
		}
		issuer := r.issuer(c, account, rep)
		issuer.Transient = true
		results = issuer.Rehearse(c.Context, requests, d == dnsOnly)
	}
	rep.issued(results)
	return failure(results)
}

// imagined returns the account that a dry run without a CA needs.
func (r *run) imagined(ctx context.Context, ca *config.ACME, requests []issuance.Request) (account *acme.Account, err error) {
	for _, q := range requests {
		for _, name := range q.Names {
			a, err := r.accountFor(ctx, ca, q.Preferred(name))
			if err != nil {
				return nil, err
			}
			if a != nil && (account == nil || a.CA != nil) {
				account = a
			}
		}
	}
	return account, nil
}

// orderForNothing places real orders at a CA that does not mind, and keeps
// orders and certificates in a directory that is removed again. The records
// are journaled where they always are.
func (r *run) orderForNothing(c *cli.Context, ca *config.ACME, requests []issuance.Request, rep *reporter) ([]*issuance.Result, error) {
	staging, err := r.stagingOf(c, ca)
	if err != nil {
		return nil, err
	}
	return r.orderAtStaging(c, staging, requests, rep)
}

// rehearseFirst is orderForNothing where the settings for a CA want that before
// its first order for a name.
func (r *run) rehearseFirst(c *cli.Context, ca *config.ACME, requests []issuance.Request) ([]*issuance.Result, error) {
	url, wanted := ca.Rehearse.At(ca.URL())
	if !wanted {
		return nil, nil
	}
	staging := *r.configFor(url)
	staging.AgreeTOS = staging.AgreeTOS || ca.AgreeTOS
	for n := range requests {
		requests[n].Profile = "" // a rehearsal is about names, not about the form of certificates
	}
	r.process.say(c, fmt.Sprintf("rehearsing at %s what %s has not issued before", host(url), host(ca.URL())))
	results, err := r.orderAtStaging(c, &staging, requests, new(reporter))
	for _, result := range results {
		if failed, ok := result.Err.(*issuance.StepError); ok {
			failed.CA = host(url)
		}
	}
	return results, err
}

func host(directory string) string {
	if u, err := url.Parse(directory); err == nil {
		return u.Host
	}
	return directory
}

func (r *run) orderAtStaging(c *cli.Context, staging *config.ACME, requests []issuance.Request, rep *reporter) ([]*issuance.Result, error) {
	account, err := r.account(c.Context, staging)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "certctl-dry-run-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	issuer := r.issuer(c, account, rep)
	issuer.Journal, issuer.Transient = r.store.Journal(), true
	if issuer.Store, err = store.Open(dir); err != nil {
		return nil, err
	}
	return issuer.Issue(c.Context, requests), nil
}

// stagingOf returns the settings of the CA that is asked in a dry run.
func (r *run) stagingOf(c *cli.Context, ca *config.ACME) (*config.ACME, error) {
	if c.String("server") != "" || c.Bool("staging") {
		return ca, nil // which was chosen by these flags
	}
	url, known := config.Staging(ca.URL())
	if !known {
		return nil, usagef("name a directory for tests with --server, or use --dry-run=dns", "%s has no staging directory that is known", ca.URL())
	}
	staging := *r.configFor(url)
	staging.AgreeTOS = staging.AgreeTOS || ca.AgreeTOS
	return &staging, nil
}
