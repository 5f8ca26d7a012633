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
	"certctl/secret"
	"certctl/store"
)

// NothingDueError says that renew had nothing to do, where that was asked for.
type NothingDueError struct{}

func (*NothingDueError) Error() string { return "nothing is due" }

func (p *Process) renewCommand() *cli.Command {
	return &cli.Command{
		Name:      "renew",
		Usage:     "order again the certificates that are due",
		UsageText: "certctl renew                 all that are due, of the configuration and of earlier runs of issue\ncertctl renew --force web     the certificate web, due or not",
		ArgsUsage: "[NAME…]",
		Description: "A certificate is due when its CA suggests it (ARI, RFC 9773), else when a third of its\n" +
			"lifetime is left, half where that is less than ten days; and at once when what is asked for has\n" +
			"changed. What failed is tried again after a while, and later each time. Where a CA is down or\n" +
			"refuses for reasons of its own, the next of acme: is asked. Run it often.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "force", Aliases: []string{"force-renewal"}, Usage: "order even what is not due, and what failures hold back"},
			&cli.BoolFlag{Name: "exit-code", Usage: "exit with 3 when nothing was due"},
			dryRunFlag(),
			&cli.StringFlag{Name: "server", Usage: "with --dry-run: order from the CA with this directory `URL` or short name"},
			noDelayFlag,
			noWaitFlag,
			&cli.BoolFlag{Name: "json", Usage: "print one JSON document"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print errors only"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "print every step, and lines in place of the live view"},
		},
		Action: p.reporting(p.renewAll),
	}
}

// renewAll orders the certificates that are due.
func (p *Process) renewAll(c *cli.Context, rep *reporter) error {
	r, err := p.open(c)
	if err != nil {
		return err
	}
	if err := p.holdOff(c, r.config.Renew.LongestDelay()); err != nil {
		return err
	}
	unlock, err := r.lock(c)
	if err != nil {
		return err
	}
	defer unlock()
	r.sweep(c)
	keeper := r.keeper(c, rep)
	renewals, broken, err := r.renewals(c, keeper)
	if err != nil {
		return err
	}
	due := r.due(c, renewals)
	if dryRun(c) != "" {
		return r.rehearseRenewals(c, due, renewals, rep)
	}
	err = r.carryOut(c, renewalWork(due, renewals), rep, func() error { return r.renewDue(c, keeper, due, rep) })
	switch {
	case broken != nil:
		return &PartialError{errors.Join(broken, err)}
	case err != nil || len(due) > 0:
		return err
	}
	p.say(c, nothingDue(renewals))
	if c.Bool("exit-code") {
		return &NothingDueError{}
	}
	return nil
}

// keeper returns one that shows what it does.
func (r *run) keeper(c *cli.Context, rep *reporter) *issuance.Keeper {
	return r.keeperWith(c, r.config.ACME[0], rep)
}

// keeperWith returns one with the settings for a CA that flags have changed.
func (r *run) keeperWith(c *cli.Context, chosen *config.ACME, rep *reporter) *issuance.Keeper {
	settings := func(directory string) *config.ACME {
		if directory == chosen.URL() {
			return chosen
		}
		return r.configFor(directory)
	}
	return &issuance.Keeper{
		Store: r.store,
		CAs:   r.choices(),
		Dial: func(ctx context.Context, directory string) (*acme.CA, error) {
			return r.ca(ctx, settings(directory))
		},
		Account: func(ctx context.Context, directory string) (*acme.Account, error) {
			return r.account(ctx, settings(directory))
		},
		Permitted: r.permitted(),
		Rehearsal: func(ctx context.Context, directory string, requests []issuance.Request) ([]*issuance.Result, error) {
			return r.rehearseFirst(c, settings(directory), requests)
		},
		Issuer: func(account *acme.Account) *issuance.Issuer { return r.issuer(c, account, rep) },
		Warn: func(certificate, text string) {
			if certificate != "" && !strings.HasPrefix(text, certificate+": ") {
				text = certificate + ": " + text
			}
			r.process.warn(c, text)
		},
	}
}

// choices returns the CAs of the configuration, the most wanted first.
func (r *run) choices() []issuance.Choice {
	var all []issuance.Choice
	for _, a := range r.config.ACME {
		all = append(all, issuance.Choice{Directory: a.URL(), Profile: a.Profile})
	}
	return all
}

// rehearseRenewals does a dry run of what is due, or named; of all that there is
// where nothing is.
func (r *run) rehearseRenewals(c *cli.Context, due, all []*issuance.Renewal, rep *reporter) error {
	if len(due) == 0 || len(namesGiven(c)) > 0 {
		due = all
	}
	ca, err := chooseCA(c, r.config)
	if err != nil {
		return err
	}
	return r.answering(c, func() error { return r.rehearse(c, ca, requestsOf(due), rep) })
}

// renewals returns all certificates that are wanted, or those named, with when
// they are due. What is broken about single ones does not touch the others.
func (r *run) renewals(c *cli.Context, k *issuance.Keeper) (all []*issuance.Renewal, broken, err error) {
	configured, err := r.configured()
	if err != nil {
		return nil, nil, err
	}
	all, broken = k.Wanted(configured)
	if all, err = named(namesGiven(c), all); err != nil {
		return nil, nil, errors.Join(broken, err)
	}
	if len(namesGiven(c)) > 0 {
		broken = nil
	}
	err = k.Plan(c.Context, all)
	for _, w := range all {
		broken = errors.Join(broken, w.Err)
	}
	return all, broken, err
}

// named returns the certificates with these names; all where none are given.
func named(names []string, all []*issuance.Renewal) ([]*issuance.Renewal, error) {
	if len(names) == 0 {
		return all, nil
	}
	for _, name := range names {
		if strings.HasPrefix(name, "-") {
			return nil, usagef("flags come before the names", "%s comes after a name", name)
		}
		if !slices.ContainsFunc(all, func(w *issuance.Renewal) bool { return w.Certificate == name }) {
			return nil, usagef("certctl list shows those that there are", "there is no certificate %s", name)
		}
	}
	return slices.DeleteFunc(all, func(w *issuance.Renewal) bool { return !slices.Contains(names, w.Certificate) }), nil
}

// configured returns the certificates of the configuration. Where one may come
// from any CA, those that follow the first stand in for it.
func (r *run) configured() ([]*issuance.Renewal, error) {
	var all []*issuance.Renewal
	for _, cert := range r.config.Certificates {
		w, err := r.from(cert, r.config.Choices(cert))
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	return all, nil
}

// from makes a renewal of an entry under certificates:, from these CAs.
func (r *run) from(cert *config.Certificate, cas []*config.ACME) (*issuance.Renewal, error) {
	request, err := configured(cert, r.config, cas[0])
	if err != nil {
		return nil, err
	}
	return &issuance.Renewal{Request: request, Directory: cas[0].URL(), Fallbacks: fallbacks(request, cas)}, nil
}

// fallbacks returns the CAs that follow the first. A profile that is not just
// the first CA's own is wanted from them, too.
func fallbacks(request issuance.Request, cas []*config.ACME) []issuance.Choice {
	var all []issuance.Choice
	for _, other := range cas[1:] {
		profile := other.Profile
		if request.Profile != cas[0].Profile {
			profile = request.Profile
		}
		all = append(all, issuance.Choice{Directory: other.URL(), Profile: profile})
	}
	return all
}

// wantedAnyway joins the certificates of the configuration with those kept.
func (r *run) wantedAnyway(kept []*store.Request) ([]*issuance.Renewal, error) {
	configured, err := r.configured()
	if err != nil {
		return nil, err
	}
	k := &issuance.Keeper{CAs: r.choices()}
	return k.Join(configured, kept), nil
}

// due returns those that are to be ordered now, and says which failures hold
// back.
func (r *run) due(c *cli.Context, renewals []*issuance.Renewal) []*issuance.Renewal {
	now := time.Now()
	var due []*issuance.Renewal
	for _, w := range renewals {
		switch held := w.Held(now); {
		case w.Err != nil:
		case c.Bool("force") || w.Due(now):
			due = append(due, w)
		case held != "" && !now.Before(w.At):
			r.process.warn(c, fmt.Sprintf("%s: due, but %s%s", w.Certificate, held, lastError(w.Kept)))
		}
	}
	return due
}

// lastError is what is remembered to have gone wrong, to follow a sentence.
func lastError(k *store.Request) string {
	if k == nil || k.Failure == nil || k.Failure.Error == "" {
		return ""
	}
	return ": " + k.Failure.Error
}

// renewDue orders what is due. Whoever forces it has been where a CA wanted to
// see a person.
func (r *run) renewDue(c *cli.Context, k *issuance.Keeper, due []*issuance.Renewal, rep *reporter) error {
	if c.Bool("force") {
		if err := issuance.Forgive(r.store, due); err != nil {
			return err
		}
	}
	for _, w := range due {
		r.process.say(c, fmt.Sprintf("%s is due: %s", w.Certificate, w.Why))
	}
	results := k.Renew(c.Context, due)
	rep.issued(results)
	return failure(results)
}

// renewalWork is what a run of renew has to do.
func renewalWork(due, all []*issuance.Renewal) work {
	w := work{due: requestsOf(due)}
	for _, a := range all {
		if a.Kept != nil {
			w.kept = append(w.kept, a.Kept)
		}
	}
	return w
}

// configFor returns the settings for a CA: its own, or those of the first with
// another directory, and the roots with which that was last asked.
func (r *run) configFor(directory string) *config.ACME {
	for _, a := range r.config.ACME {
		if a.URL() == directory {
			return a
		}
	}
	main := r.config.ACME[0]
	settings := &config.ACME{Directory: directory, Email: main.Email, AgreeTOS: main.AgreeTOS}
	if account, err := r.store.LoadAccount(directory); err == nil {
		settings.CAFile = secret.Path(account.CAFile)
	}
	return settings
}

// nothingDue says what is due next.
func nothingDue(renewals []*issuance.Renewal) string {
	renewals = slices.DeleteFunc(renewals, func(w *issuance.Renewal) bool { return w.Err != nil })
	if len(renewals) == 0 {
		return "there are no certificates to renew"
	}
	next := slices.MinFunc(renewals, func(a, b *issuance.Renewal) int { return a.Next().Compare(b.Next()) })
	return fmt.Sprintf("nothing is due; next is %s, on %s", next.Certificate, day(next.Next()))
}
