package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"certctl/acme"
	"certctl/check"
	"certctl/config"
	"certctl/dns01"
	"certctl/dnssec"
	"certctl/issuance"
	"certctl/persist"
	"certctl/store"
)

// directoryTime is how long a CA's directory is waited for: what it says is
// worth knowing, not more.
const directoryTime = 15 * time.Second

func (p *Process) checkCommand() *cli.Command {
	return &cli.Command{
		Name:  "check",
		Usage: "find out before an order what would make it fail",
		UsageText: `certctl check                             all certificates, of the configuration and of earlier runs of issue
certctl check -v -d example.com           one name, and what is well
certctl check --canary                    also write a record everywhere, and remove it`,
		Description: "Looks at delegation, credentials, name servers, CAA and DNSSEC, and for http-01 and\n" +
			"tls-alpn-01 at the addresses of the names: what they would answer a CA. The CA is asked for\n" +
			"nothing but its directory, and without --canary nothing is written. Prints nothing when\n" +
			"all is well; ends with exit code 5 if an order would fail.",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "domain", Aliases: []string{"d"}, Usage: "look at `NAME`; repeat for more; default: all certificates"},
			&cli.StringFlag{Name: "server", Usage: "CAA must let the CA with this directory `URL` or short name issue"},
			&cli.BoolFlag{Name: "staging", Aliases: []string{"test-cert"}, Usage: "the same as --server letsencrypt-staging"},
			&cli.StringFlag{Name: "ca-file", Usage: "trust the roots in `FILE` (PEM) for the directory's own TLS"},
			&cli.StringSliceFlag{Name: "follow", Usage: "`DOMAIN=HOW`: whether to follow an alias at its _acme-challenge: auto, never, or the name to write at"},
			challengeFlag("with -d: look at the place of the records of `TYPE`: "),
			&cli.BoolFlag{Name: "offline", Usage: "do not ask for the CA's directory"},
			&cli.BoolFlag{Name: "canary", Usage: "write a record at every place, wait until all servers have it, and remove it; also a file below each webroot"},
			noWaitFlag,
			&cli.BoolFlag{Name: "codes", Usage: "print what the codes of findings mean"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON document"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print errors only"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "print also what is well"},
		},
		Action: p.check,
	}
}

func (p *Process) check(c *cli.Context) error {
	if c.Bool("codes") {
		return p.showCodes()
	}
	report, err := p.checkAll(c)
	if err == nil {
		err = notPassed(report)
	}
	return errors.Join(err, p.showChecked(c, report, err))
}

// checkAll looks at what flags ask for.
func (p *Process) checkAll(c *cli.Context) (*check.Report, error) {
	if err := noArguments(c); err != nil {
		return nil, err
	}
	r, err := p.open(c)
	if err != nil {
		return nil, err
	}
	names, err := r.checked(c)
	if err != nil {
		return nil, err
	}
	anchors, err := readAnchors(string(r.config.Resolver.TrustAnchors))
	if err != nil {
		return nil, err
	}
	checker := &check.Checker{
		Resolver:    r.resolver,
		Client:      r.client,
		Credentials: r.credentials,
		Anchors:     anchors,
		Lab:         r.inLab(),
	}
	if c.Bool("canary") {
		unlock, err := r.lock(c)
		if err != nil {
			return nil, err
		}
		defer unlock()
		r.sweep(c)
		checker.Journal, checker.Place = canaries{r.store.Journal()}, r.place
	}
	var report *check.Report
	err = r.answering(c, func() (err error) {
		report, err = checker.Check(c.Context, names)
		return err
	})
	if err != nil {
		return nil, err // interrupted: half of a report says nothing
	}
	return report, nil
}

// readAnchors reads trust anchors; none given means the Internet's.
func readAnchors(path string) (dnssec.Anchors, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usagef("", "trust_anchors: %w", err)
	}
	anchors, err := dnssec.ParseAnchors(string(text))
	if err != nil {
		return nil, usagef("", "trust_anchors: %s: %w", path, err)
	}
	return anchors, nil
}

// notPassed is the error of a report with errors, which have been shown.
func notPassed(r *check.Report) error {
	n := r.Count(check.Error)
	if n == 0 {
		return nil
	}
	return &NotReadyError{fmt.Errorf("check: %s that would make an order fail", count(n, "finding"))}
}

// checked returns the names to look at: those given with -d, else those of all
// certificates, each once.
func (r *run) checked(c *cli.Context) ([]check.Name, error) {
	chosen, err := chooseCA(c, r.config)
	if err != nil {
		return nil, err
	}
	wanted, err := r.toCheck(c, chosen)
	if err != nil {
		return nil, err
	}
	cas := make(map[string]*check.CA)
	var names []check.Name
	for _, w := range wanted {
		a := r.configFor(w.Directory)
		if w.Directory == chosen.URL() {
			a = chosen
		}
		if cas[w.Directory] == nil {
			cas[w.Directory] = r.known(c, a)
		}
		for _, domain := range w.Names {
			n, err := r.checkedName(c, domain, w, a)
			if err != nil {
				return nil, err
			}
			if n.CA = cas[w.Directory]; !slices.ContainsFunc(names, n.Same) {
				names = append(names, n)
			}
		}
	}
	return names, nil
}

// checkedName says what is planned for one name of a certificate.
func (r *run) checkedName(c *cli.Context, domain string, w *issuance.Renewal, ca *config.ACME) (check.Name, error) {
	follow, err := issuance.ParseFollow(w.Follow[strings.TrimPrefix(domain, "*.")])
	if err != nil {
		return check.Name{}, &UsageError{Err: fmt.Errorf("%s: %w", domain, err)}
	}
	t := w.Preferred(domain)
	n := check.Name{Domain: domain, Follow: follow, Method: string(t), PersistFor: w.PersistFor}
	if a, direct := w.Answer(domain, t); direct {
		n.Direct = r.direct(a)
		return n, nil
	}
	account, err := r.accountAt(ca, t)
	if err != nil {
		n.Err = err
		return n, nil
	}
	if n.Prefix = account.Prefix(t); t == acme.DNSPersist01 {
		n.Persist, n.Err = r.need(c, domain, ca)
	}
	return n, nil
}

// need returns what a record of dns-persist-01 has to say for a name.
func (r *run) need(c *cli.Context, name string, ca *config.ACME) (*persist.Need, error) {
	if c.Bool("offline") {
		return nil, errors.New("the CA is not asked what the record has to say")
	}
	ctx, cancel := context.WithTimeout(c.Context, directoryTime)
	defer cancel()
	account, err := r.accountFor(ctx, ca, acme.DNSPersist01)
	if err != nil {
		return nil, err
	}
	terms, err := account.PersistTerms()
	if err != nil {
		return nil, fmt.Errorf("the directory of the CA has %w", err)
	}
	domain, wildcard := strings.CutPrefix(name, "*.")
	return &persist.Need{Issuers: terms.Issuers, Accounts: terms.Accounts(domain), Wildcard: wildcard}, nil
}

// toCheck returns the certificates to look at, with their CAs.
func (r *run) toCheck(c *cli.Context, chosen *config.ACME) ([]*issuance.Renewal, error) {
	if len(c.StringSlice("domain")) > 0 {
		request, err := requested(c, r.config, chosen)
		return []*issuance.Renewal{{Request: request, Directory: chosen.URL()}}, err
	}
	kept, err := r.store.Requests()
	if err != nil {
		return nil, err
	}
	all, err := r.wantedAnyway(kept)
	if err == nil && len(all) == 0 {
		err = usagef(c.Command.HelpName+" -d example.com", "no names are given with -d, and there are no certificates")
	}
	if c.IsSet("server") || c.Bool("staging") {
		for _, w := range all {
			w.Directory = chosen.URL()
		}
	}
	return all, err
}

// known returns what can be known of a CA without an order: its names, and
// which account we have there.
func (r *run) known(c *cli.Context, a *config.ACME) *check.CA {
	known := &check.CA{Directory: a.URL()}
	if account, err := r.store.LoadAccount(a.URL()); err == nil {
		known.Account = account.URL
	}
	if c.Bool("offline") {
		return known
	}
	ctx, cancel := context.WithTimeout(c.Context, directoryTime)
	defer cancel()
	ca, err := r.ca(ctx, a)
	if err != nil {
		known.Err = err
		return known
	}
	known.Identities = ca.CAAIdentities
	return known
}

// canaries keeps in the store's journal what check writes.
type canaries struct{ journal *store.Journal }

func (j canaries) Add(rs []dns01.Removal) error    { return j.journal.Add(entries(rs)...) }
func (j canaries) Remove(rs []dns01.Removal) error { return j.journal.Remove(entries(rs)...) }

func entries(rs []dns01.Removal) []store.Entry {
	var es []store.Entry
	for _, r := range rs {
		es = append(es, store.Entry{
			Time: time.Now(), Zone: r.Zone.String(), Owner: r.Owner.String(),
			Value: r.Value, TTL: int(r.TTL / time.Second), Scope: r.Scope.String(),
		})
	}
	return es
}
