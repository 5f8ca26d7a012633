package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"certctl/store"
)

func (p *Process) verifyCommand() *cli.Command {
	return &cli.Command{
		Name:  "verify",
		Usage: "compare the certificates that servers show with those that were issued: exit code 1 if one differs",
		UsageText: `certctl verify --tls www.example.com:443              with the certificate here for www.example.com
certctl verify --tls 192.0.2.1:8443 web               with the certificate web
certctl verify --tls 192.0.2.1:25465 --sni mail.example.com --tls 192.0.2.2:25465`,
		ArgsUsage: "[NAME]",
		Description: "Every address of a server is asked. The certificate has to be the very one that was issued\n" +
			"last, with its whole chain, for the name that was asked for, and not be at its end.",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "tls", Usage: "connect to `HOST:PORT`; repeat for more"},
			&cli.StringFlag{Name: "sni", Usage: "ask for the server `NAME`; default: HOST, or for an address the first name in the certificate"},
			&cli.DurationFlag{Name: "timeout", Value: 10 * time.Second, Usage: "wait for a server for `TIME` at most"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON document"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print only what is wrong"},
		},
		Action: p.verify,
	}
}

func (p *Process) verify(c *cli.Context) error {
	targets, err := verifyTargets(c)
	if err != nil {
		return err
	}
	r, err := p.open(c)
	if err != nil {
		return err
	}
	all, err := r.verifiable(c.Args().First())
	if err != nil {
		return err
	}
	shown := []*served{}
	for _, t := range targets {
		live, err := t.choose(all)
		if err != nil {
			return err
		}
		shown = append(shown, t.look(c.Context, live, c.Duration("timeout"))...)
	}
	if c.Context.Err() != nil {
		return c.Context.Err()
	}
	return p.showServed(c, shown)
}

// verifiable returns the live certificate of this name, or all.
func (r *run) verifiable(name string) ([]*store.Certificate, error) {
	all, err := r.store.Certificates()
	if err != nil || name == "" {
		return all, err
	}
	all = slices.DeleteFunc(all, func(live *store.Certificate) bool { return live.Name != name })
	if len(all) == 0 {
		return nil, usagef("certctl list shows those that there are", "there is no certificate %s", name)
	}
	return all, nil
}

// choose returns the certificate that a server should show: the one that was
// named, or the newest that is for its name.
func (t target) choose(all []*store.Certificate) (*store.Certificate, error) {
	if t.named {
		return all[0], nil
	}
	fits := slices.DeleteFunc(slices.Clone(all), func(live *store.Certificate) bool { return live.Leaf.VerifyHostname(t.name()) != nil })
	if len(fits) == 0 {
		return nil, usagef("name one: certctl verify --tls "+t.text+" NAME", "there is no certificate here for %s", t.name())
	}
	return slices.MaxFunc(fits, func(a, b *store.Certificate) int {
		return cmp.Or(a.Leaf.NotBefore.Compare(b.Leaf.NotBefore), cmp.Compare(b.Name, a.Name))
	}), nil
}

func (p *Process) showServed(c *cli.Context, shown []*served) error {
	bad := 0
	for _, s := range shown {
		if len(s.Problems) > 0 {
			bad++
		}
	}
	if c.Bool("json") {
		if err := writeJSON(p.Stdout, map[string]any{"servers": shown}); err != nil {
			return err
		}
	} else {
		for _, s := range shown {
			if len(s.Problems) > 0 || !c.Bool("quiet") {
				fmt.Fprintln(p.Stdout, s)
			}
		}
	}
	if bad > 0 {
		return &StatusError{bad}
	}
	return nil
}

// String reads "192.0.2.1:443 (www.example.com): shows the certificate web as issued".
func (s *served) String() string {
	about := fmt.Sprintf("%s (%s): ", s.Address, s.SNI)
	if len(s.Problems) > 0 {
		return about + strings.Join(s.Problems, "; ")
	}
	return about + fmt.Sprintf("shows the certificate %s as it was issued, until %s", s.Certificate, day(*s.NotAfter))
}
