package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"certctl/acme"
	"certctl/config"
	"certctl/issuance"
	"certctl/store"
)

// NothingDueError says that renew had nothing to do, where that was asked for.
type NothingDueError struct{}

func (*NothingDueError) Error() string { return "nothing is due" }

func (p *Process) renewCommand() *cli.Command {
	return &cli.Command{
		Name:      "renew",
		Usage:     "order again the certificates that are due",
		UsageText: "certctl renew             all that are due, of the configuration and of earlier runs of issue\ncertctl renew --force web     the certificate web, due or not",
		ArgsUsage: "[NAME…]",
		Description: "A certificate is due when its CA suggests it (ARI, RFC 9773), else when a third of its\n" +
			"lifetime is left, half where that is less than ten days; and at once when what is asked for has\n" +
			"changed. What failed is tried again after a while, and later each time. Run it often.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "force", Aliases: []string{"force-renewal"}, Usage: "order even what is not due, and what failures hold back"},
			&cli.BoolFlag{Name: "exit-code", Usage: "exit with 3 when nothing was due"},
			dryRunFlag(),
			&cli.StringFlag{Name: "server", Usage: "with --dry-run: order from the CA with this directory `URL` or short name"},
			noWaitFlag,
			&cli.BoolFlag{Name: "json", Usage: "print one JSON document"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print errors only"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "print every step, and lines in place of the live view"},
		},
		Action: p.renew,
	}
}

func (p *Process) renew(c *cli.Context) error {
	rep := new(reporter)
	err := p.renewAll(c, rep)
	if c.Bool("json") {
		return errors.Join(err, rep.writeJSON(p.Stdout, err))
	}
	if !c.Bool("quiet") {
		rep.write(p.Stdout)
	}
	return err
}

// renewAll orders the certificates that are due, those of each CA as a batch.
func (p *Process) renewAll(c *cli.Context, rep *reporter) error {
	r, err := p.open(c)
	if err != nil {
		return err
	}
	unlock, err := r.lock(c)
	if err != nil {
		return err
	}
	defer unlock()
	r.sweep(c)
	renewals, err := r.renewals(c)
	if err != nil {
		return err
	}
	due := r.due(c, renewals)
	if dryRun(c) != "" {
		return r.rehearseRenewals(c, due, renewals, rep)
	}
	err = r.carryOut(c, renewalWork(due, renewals), rep, func() error {
		var errs []error
		for _, batch := range byDirectory(due) {
			errs = append(errs, r.renewAt(c, batch, rep))
		}
		return errors.Join(errs...)
	})
	if err != nil || len(due) > 0 {
		return err
	}
	p.say(c, nothingDue(renewals))
	if c.Bool("exit-code") {
		return &NothingDueError{}
	}
	return nil
}

// rehearseRenewals does a dry run of what is due, or named; of all that there is
// where nothing is.
func (r *run) rehearseRenewals(c *cli.Context, due, all []*issuance.Renewal, rep *reporter) error {
	if len(due) == 0 || c.Args().Present() {
		due = all
	}
	ca, err := chooseCA(c, r.config)
	if err != nil {
		return err
	}
	var requests []issuance.Request
	for _, w := range due {
		requests = append(requests, w.Request)
	}
	return r.rehearse(c, ca, requests, rep)
}

// renewals returns all certificates that are wanted, or those named, with when
// they are due: first those of the configuration in its order, then those that
// earlier runs were asked for.
func (r *run) renewals(c *cli.Context) ([]*issuance.Renewal, error) {
	kept, err := r.store.Requests()
	if err != nil {
		return nil, err
	}
	all, err := r.wantedAnyway(kept)
	if err != nil {
		return nil, err
	}
	for _, name := range c.Args().Slice() {
		if strings.HasPrefix(name, "-") {
			return nil, usagef("flags come before the names", "%s comes after a name", name)
		}
		if !slices.ContainsFunc(all, func(w *issuance.Renewal) bool { return w.Certificate == name }) {
			return nil, usagef("certctl list shows those that there are", "there is no certificate %s", name)
		}
	}
	if c.Args().Present() {
		all = slices.DeleteFunc(all, func(w *issuance.Renewal) bool { return !slices.Contains(c.Args().Slice(), w.Certificate) })
	}
	return all, issuance.Plan(c.Context, r.store, all, r.dialer(c.Context), func(certificate, text string) {
		r.process.warn(c, certificate+": "+text)
	})
}

// wantedAnyway joins the certificates of the configuration with those kept.
func (r *run) wantedAnyway(kept []*store.Request) ([]*issuance.Renewal, error) {
	var all []*issuance.Renewal
	ca := r.config.ACME[0]
	for _, cert := range r.config.Certificates {
		request, err := configured(cert, ca)
		if err != nil {
			return nil, err
		}
		w := &issuance.Renewal{Request: request, Directory: ca.URL()}
		if n := slices.IndexFunc(kept, func(k *store.Request) bool { return k.Name == cert.Name }); n >= 0 {
			w.Kept = kept[n]
			kept = slices.Delete(slices.Clone(kept), n, n+1)
		}
		all = append(all, w)
	}
	for _, k := range kept {
		all = append(all, &issuance.Renewal{Request: issuance.Remembered(k), Directory: k.Directory, Kept: k})
	}
	return all, nil
}

// due returns those that are to be ordered now, and says which failures hold
// back.
func (r *run) due(c *cli.Context, renewals []*issuance.Renewal) []*issuance.Renewal {
	now := time.Now()
	var due []*issuance.Renewal
	for _, w := range renewals {
		switch held := w.Held(now); {
		case c.Bool("force") || w.Due(now):
			due = append(due, w)
		case held != "" && !now.Before(w.At):
			r.process.warn(c, fmt.Sprintf("%s: due, but %s: %s", w.Certificate, held, w.Kept.Failure.Error))
		}
	}
	return due
}

// renewAt orders renewals that are for one CA.
func (r *run) renewAt(c *cli.Context, renewals []*issuance.Renewal, rep *reporter) error {
	for _, w := range renewals {
		r.process.say(c, fmt.Sprintf("%s is due: %s", w.Certificate, w.Why))
	}
	account, err := r.account(c.Context, r.configFor(renewals[0].Directory))
	if err != nil {
		return err
	}
	results := r.issuer(c, account, rep).Renew(c.Context, renewals)
	rep.issued(results)
	return failure(results)
}

// renewalWork is what a run of renew has to do.
func renewalWork(due, all []*issuance.Renewal) work {
	var w work
	for _, d := range due {
		w.due = append(w.due, d.Request)
	}
	for _, a := range all {
		if a.Kept != nil {
			w.deploy = append(w.deploy, a.Certificate)
		}
	}
	return w
}

// configFor returns the settings for a CA: its own, or those of the first with
// another directory.
func (r *run) configFor(directory string) *config.ACME {
	for _, a := range r.config.ACME {
		if a.URL() == directory {
			return a
		}
	}
	main := r.config.ACME[0]
	return &config.ACME{Directory: directory, Email: main.Email, AgreeTOS: main.AgreeTOS}
}

func (r *run) dialer(ctx context.Context) func(string) (*acme.CA, error) {
	return func(directory string) (*acme.CA, error) { return r.ca(ctx, r.configFor(directory)) }
}

// byDirectory groups renewals by their CA, in the order of first appearance.
func byDirectory(renewals []*issuance.Renewal) [][]*issuance.Renewal {
	var groups [][]*issuance.Renewal
	index := make(map[string]int)
	for _, w := range renewals {
		n, known := index[w.Directory]
		if !known {
			n = len(groups)
			index[w.Directory] = n
			groups = append(groups, nil)
		}
		groups[n] = append(groups[n], w)
	}
	return groups
}

// nothingDue says what is due next.
func nothingDue(renewals []*issuance.Renewal) string {
	if len(renewals) == 0 {
		return "there are no certificates to renew"
	}
	next := slices.MinFunc(renewals, func(a, b *issuance.Renewal) int { return a.At.Compare(b.At) })
	return fmt.Sprintf("nothing is due; next is %s, on %s", next.Certificate, day(next.At))
}
