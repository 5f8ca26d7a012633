package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"certctl/check"
	"certctl/delegation"
	"certctl/dns01"
)

func (p *Process) policyCommand() *cli.Command {
	return &cli.Command{
		Name:  "policy",
		Usage: "print the least that a key must be allowed, and find out whether it is allowed more",
		Subcommands: []*cli.Command{
			{
				Name:  "print",
				Usage: "print what the DNS servers and services of names must allow the configured keys",
				UsageText: `certctl policy print -d example.com -d www.example.com
certctl policy print -d example.com --server-kind bind`,
				Description: "The names are looked up in the DNS, to see where their records belong. No secret is\n" +
					"read or printed. Without -d it is for all certificates.",
				Flags: append([]cli.Flag{
					&cli.StringFlag{Name: "server-kind", Usage: "for one `KIND` of server or service only, like bind or google-zone"},
				}, policyFlags("print policies for")...),
				Action: p.printPolicies,
			},
			{
				Name:  "check",
				Usage: "find out whether configured keys may write more than they need to",
				UsageText: `certctl policy check
certctl policy check -v -d example.com`,
				Description: "Servers and services are asked what a key may do, or for the removal of records that\n" +
					"do not exist. Nothing is changed. Prints nothing when all keys are as narrow as their\n" +
					"service has them (-v says how narrow that is). Ends with exit code 5 if a key is not\n" +
					"accepted, and else with 7 if a key can do more than it has to.",
				Flags: append([]cli.Flag{
					&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "print also what is well"},
				}, policyFlags("look at the keys for")...),
				Action: p.checkKeys,
			},
		},
		Action: p.noSubcommand,
	}
}

func policyFlags(what string) []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "domain", Aliases: []string{"d"}, Usage: what + " `NAME`; repeat for more; default: all certificates"},
		challengeFlag("with -d: for the records of `TYPE`: "),
		&cli.StringSliceFlag{Name: "follow", Usage: "`DOMAIN=HOW`: whether to follow an alias at its _acme-challenge: auto, never, or the name to write at"},
		&cli.BoolFlag{Name: "json", Usage: "print one JSON document"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print errors only"},
		&cli.BoolFlag{Name: "offline", Value: true, Hidden: true}, // the CA has no part in it
	}
}

// openNamed opens the configuration, and returns the names to look at: those
// that records prove.
func (p *Process) openNamed(c *cli.Context) (*run, []check.Name, error) {
	if err := noArguments(c); err != nil {
		return nil, nil, err
	}
	r, err := p.open(c)
	if err != nil {
		return nil, nil, err
	}
	names, err := r.checked(c)
	names = slices.DeleteFunc(names, func(n check.Name) bool { return n.Direct != nil })
	if err == nil && len(names) == 0 {
		p.say(c, "http-01 and tls-alpn-01 need no key")
	}
	return r, names, err
}

func (p *Process) checkKeys(c *cli.Context) error {
	report, err := p.lookAtKeys(c)
	if err == nil {
		err = cmp.Or(notPassed(report), tooBroad(report))
	}
	return errors.Join(err, p.showChecked(c, report, err))
}

// tooBroad is the error of a report with keys that can do more than they have to.
func tooBroad(r *check.Report) error {
	n := 0
	for _, f := range r.Findings {
		if f.Code == "key-broad" || f.Code == "credential-wide" {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return &BroadKeyError{fmt.Errorf("policy check: %s of keys that can do more than they have to", count(n, "finding"))}
}

func (p *Process) lookAtKeys(c *cli.Context) (*check.Report, error) {
	r, names, err := p.openNamed(c)
	if err != nil {
		return nil, err
	}
	checker := &check.Checker{Resolver: r.resolver, Client: r.client, Credentials: r.credentials}
	var report *check.Report
	err = r.answering(c, func() (err error) {
		report, err = checker.Keys(c.Context, names)
		return err
	})
	if err != nil {
		return nil, err // interrupted: half of a report says nothing
	}
	return report, nil
}

// policyReport is the document of policy print --json.
type policyReport struct {
	Credentials []scopeReport `json:"credentials"`
	Error       string        `json:"error,omitempty"`
	Hints       []string      `json:"hints,omitempty"`
}

func (p *Process) printPolicies(c *cli.Context) error {
	credentials, err := p.policies(c)
	if c.Bool("json") {
		report := policyReport{Credentials: append([]scopeReport{}, credentials...)}
		if err != nil {
			report.Error, report.Hints = err.Error(), Hints(err)
		}
		return errors.Join(err, writeJSON(p.Stdout, report))
	}
	return errors.Join(writePolicies(p.Stdout, credentials), err)
}

// policies returns the policies for all names: of each credential one for all
// owners that it is used for.
func (p *Process) policies(c *cli.Context) ([]scopeReport, error) {
	r, names, err := p.openNamed(c)
	if err != nil {
		return nil, err
	}
	places, err := r.places(c, names)
	var reports []scopeReport
	for _, place := range places {
		policies, failed := place.credential.Policies(place.zone, place.owners)
		if err = errors.Join(err, failed); failed != nil {
			continue
		}
		policies = ofKind(policies, c.String("server-kind"))
		if len(policies) == 0 {
			err = errors.Join(err, usagef("without --server-kind all are printed", "there is no policy of kind %s for %s", c.String("server-kind"), place.credential.Label))
			continue
		}
		reports = append(reports, scopeReport{Scope: place.credential.Scope.String(), Credential: place.credential.Label, Configured: true, Policies: policies})
	}
	return reports, err
}

// usedKey is what a credential is used for in a zone.
type usedKey struct {
	credential *dns01.Credential
	zone       delegation.Name
	owners     []delegation.Name
}

// places finds out where the records of names belong, and which credential is
// for them. It returns what it has found also where there is an error.
func (r *run) places(c *cli.Context, names []check.Name) (keys []*usedKey, err error) {
	for _, n := range names {
		grant, failed := r.grant(c, n)
		if failed != nil {
			err = errors.Join(err, &NotReadyError{failed})
			continue
		}
		zone, owner := grant.Target.Zone, grant.Target.Owner
		i := slices.IndexFunc(keys, func(k *usedKey) bool { return k.credential == grant.Credential && k.zone == zone })
		if i < 0 {
			i, keys = len(keys), append(keys, &usedKey{credential: grant.Credential, zone: zone})
		}
		if !slices.Contains(keys[i].owners, owner) {
			keys[i].owners = append(keys[i].owners, owner)
		}
	}
	return keys, err
}

func (r *run) grant(c *cli.Context, n check.Name) (dns01.Grant, error) {
	challenge, err := n.Validation()
	if err != nil {
		return dns01.Grant{}, err
	}
	target, err := r.resolver.Resolve(c.Context, challenge, n.Follow)
	if err != nil {
		return dns01.Grant{}, err
	}
	return r.credentials.For(target)
}
