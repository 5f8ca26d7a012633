package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"certctl/acme"
	"certctl/config"
	"certctl/delegate"
	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/rfc2136"
	"certctl/issuance"
	"certctl/secret"
	"certctl/store"
)

func (p *Process) delegateCommand() *cli.Command {
	return &cli.Command{
		Name:  "delegate",
		Usage: "print the records that delegate _acme-challenge, and wait for them",
		UsageText: `certctl delegate -d example.com -d '*.example.com' --to auth.example.net
certctl delegate -d www.example.com --ns ns1.example.net --ns ns2.example.net --caa
certctl delegate -d example.com --to auth.example.net --format nsupdate | nsupdate -k main.key
certctl delegate -d example.com --to auth.example.net --wait --timeout 1h
certctl delegate -d example.com --to auth.example.net --policy --server-kind bind
certctl delegate -d example.com -d '*.example.com' --challenge dns-persist-01
certctl delegate -d example.com -d www.example.com --acme-dns https://auth.example.org --allow-from 192.0.2.7/32`,
		Description: "The records, alone, go to stdout; what there is to know about them goes to stderr.\n" +
			"No configuration is needed; where there is one, it says which credentials are there.\n\n" +
			"Random labels are derived from the domain with a key that is made once and kept in\n" +
			"the state directory (" + delegate.KeyFile + "): every run on this host prints the same ones.",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "domain", Aliases: []string{"d"}, Usage: "delegate the challenges of `NAME`; repeat for more"},
			&cli.StringSliceFlag{Name: "challenge", Usage: "those of `TYPE`: dns-01, dns-account-01, or dns-persist-01, which needs no delegation; default: what the configuration prefers"},
			&cli.StringFlag{Name: "persist-for", Usage: "with dns-persist-01: let the record be good for `TIME`, like 90d; default: until it is removed"},
			&cli.StringFlag{Name: "to", Usage: "by CNAME, into the zone `ZONE`"},
			&cli.StringFlag{Name: "acme-dns", Usage: "by CNAME, to registrations at the acme-dns with this `URL`, which are made for names that have none"},
			&cli.StringFlag{Name: "registrations", Usage: "with --acme-dns: keep them in `FILE`; default: acmedns.json in the state directory"},
			&cli.StringSliceFlag{Name: "allow-from", Usage: "with --acme-dns: let only the network `CIDR` use new ones; repeat for more"},
			&cli.StringFlag{Name: "acme-dns-ca", Usage: "with --acme-dns: trust the roots in `FILE` (PEM)"},
			&cli.StringSliceFlag{Name: "ns", Usage: "by NS, to the name server `HOST`, or HOST=ADDRESS; repeat for more"},
			&cli.StringFlag{Name: "labels", Value: "readable", Usage: "with --to: `KIND` of labels, readable or random"},
			&cli.DurationFlag{Name: "ttl", Value: delegate.DefaultTTL, Usage: "let resolvers keep the records for `TIME`, in whole seconds"},
			&cli.BoolFlag{Name: "caa", Usage: "add CAA records: this CA, this account, this challenge only"},
			&cli.StringSliceFlag{Name: "ca-identity", Usage: "with --caa: the CA is `DOMAIN`; default: what its directory says"},
			&cli.StringFlag{Name: "server", Usage: "with --caa or --challenge: the CA with this directory `URL` or short name"},
			&cli.StringFlag{Name: "format", Value: "zone", Usage: "zone, nsupdate, terraform or json: `FORMAT` of the records"},
			&cli.BoolFlag{Name: "policy", Usage: "print what the target's server must allow, in place of the records"},
			&cli.StringFlag{Name: "server-kind", Usage: "with --policy: for one `KIND` of server only: bind, knot, powerdns, technitium"},
			&cli.BoolFlag{Name: "offline", Usage: "do not ask the DNS or the CA what there is already"},
			&cli.BoolFlag{Name: "wait", Usage: "then wait until the records are there, and check where they lead"},
			&cli.DurationFlag{Name: "timeout", DefaultText: "until interrupted", Usage: "with --wait: wait for `TIME` at most"},
			&cli.BoolFlag{Name: "json", Usage: "the same as --format json"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print the records and errors only"},
		},
		Action: p.delegate,
	}
}

func (p *Process) delegate(c *cli.Context) error {
	rep := &delegateReport{format: c.String("format")}
	err := p.delegateAll(c, rep)
	if c.Bool("json") || rep.format == "json" {
		return errors.Join(err, rep.writeJSON(p.Stdout, err))
	}
	return err
}

// delegateAll makes a plan, prints it unless the report is printed as a whole,
// and waits for it.
func (p *Process) delegateAll(c *cli.Context, rep *delegateReport) error {
	if err := checkDelegate(c); err != nil {
		return err
	}
	r, err := p.openAnyway(c)
	if err != nil {
		return err
	}
	plan, err := r.plan(c)
	if err != nil {
		return err
	}
	if !c.Bool("offline") {
		survey := &delegate.Survey{Resolver: r.resolver, Client: r.client, Port: uint16(r.config.Resolver.Port)}
		survey.Run(c.Context, plan)
		if err := c.Context.Err(); err != nil {
			return err
		}
	}
	if err := r.describe(c, rep, plan); err != nil {
		return err
	}
	if !c.Bool("json") && rep.format != "json" {
		say := func(text string) { p.say(c, text) }
		rep.explain(say)
		if err := rep.write(p.Stdout); err != nil {
			return err
		}
		rep.conclude(say)
	}
	return r.await(c, plan)
}

// checkDelegate refuses flags that contradict each other.
func checkDelegate(c *cli.Context) error {
	formats := []string{"zone", "nsupdate", "terraform", "json"}
	kinds := []string{"", "bind", "knot", "powerdns", "technitium"}
	to, ns := c.String("to") != "", len(c.StringSlice("ns")) > 0
	switch {
	case noArguments(c) != nil:
		return noArguments(c)
	case len(c.StringSlice("domain")) == 0:
		return usagef("certctl delegate -d example.com --to auth.example.net", "no names are given with -d")
	case to && ns:
		return usagef("one name can be an alias or a zone of its own, not both", "--to and --ns exclude each other")
	case c.String("acme-dns") != "" && (to || ns || c.Bool("policy")):
		return usagef("registrations are as narrow as a key can be", "--acme-dns excludes --to, --ns and --policy")
	case c.String("acme-dns") == "" && (c.IsSet("registrations") || c.IsSet("allow-from") || c.IsSet("acme-dns-ca")):
		return usagef("--acme-dns https://auth.example.org", "--registrations, --allow-from and --acme-dns-ca are for --acme-dns")
	case !slices.Contains(formats, c.String("format")):
		return usagef("", "--format %s: one of %s", c.String("format"), strings.Join(formats, ", "))
	case !slices.Contains([]string{"readable", "random"}, c.String("labels")):
		return usagef("", "--labels %s: readable or random", c.String("labels"))
	case !slices.Contains(kinds, c.String("server-kind")):
		return usagef("", "--server-kind %s: one of %s", c.String("server-kind"), strings.Join(kinds[1:], ", "))
	case c.Duration("ttl") < time.Second:
		return usagef("", "--ttl %s: at least 1s", c.Duration("ttl"))
	case c.Bool("wait") && c.Bool("offline"):
		return usagef("", "--wait and --offline exclude each other")
	}
	return nil
}

// openAnyway opens the configuration, or what a run without one works with.
func (p *Process) openAnyway(c *cli.Context) (*run, error) {
	r, err := p.open(c)
	var missing *config.NotFoundError
	if !errors.As(err, &missing) {
		return r, err
	}
	r = &run{process: p, client: &delegation.Client{}, cas: make(map[string]*acme.CA)}
	r.config = &config.Config{ACME: []*config.ACME{{Directory: config.LetsEncrypt}}}
	r.resolver = r.freshResolver(func(text string) { p.warn(c, text) })
	return r, nil
}

// freshResolver returns a resolver that has not seen anything yet.
func (r *run) freshResolver(warn func(string)) *delegation.Resolver {
	return delegation.NewResolver(delegation.Options{
		Recursive: r.config.Resolver.Addresses(),
		Port:      uint16(r.config.Resolver.Port),
		Client:    r.client,
		Warn:      warn,
	})
}

// stateStore returns the store, also of a run without a configuration.
func (r *run) stateStore() (*store.Store, error) {
	if r.store != nil {
		return r.store, nil
	}
	return store.Open(config.DefaultState(r.process.Getenv))
}

// plan makes the plan that the flags ask for.
func (r *run) plan(c *cli.Context) (*delegate.Plan, error) {
	names, err := acme.ParseDomains(c.StringSlice("domain"))
	if err != nil {
		return nil, &UsageError{Err: err}
	}
	request := delegate.Request{Names: names, TTL: c.Duration("ttl").Truncate(time.Second)}
	challenge, err := r.delegated(c, &request)
	if err != nil {
		return nil, err
	}
	if c.String("acme-dns") != "" {
		if err := r.register(c, &request); err != nil {
			return nil, err
		}
	}
	if to := c.String("to"); to != "" {
		if request.To, err = delegate.ParseName(to); err != nil {
			return nil, usagef("", "--to: %w", err)
		}
	}
	if request.Hosts, err = delegate.ParseHosts(c.StringSlice("ns")); err != nil {
		return nil, usagef("", "--ns: %w", err)
	}
	if c.String("labels") == "random" && request.To != "" {
		if request.Label, err = r.unguessable(); err != nil {
			return nil, err
		}
	}
	if c.Bool("caa") {
		if request.CAA, err = r.caa(c); err != nil {
			return nil, err
		}
		request.CAA.Methods = []string{string(challenge)}
	}
	plan, err := request.Plan()
	if err != nil {
		return nil, &UsageError{Err: err}
	}
	return plan, nil
}

// unguessable returns labels made with the key of the state directory.
func (r *run) unguessable() (delegate.Label, error) {
	s, err := r.stateStore()
	if err != nil {
		return nil, err
	}
	key, err := delegate.LabelKey(s.Dir)
	if err != nil {
		return nil, fmt.Errorf("the key of random labels: %w", err)
	}
	return delegate.Unguessable(key), nil
}

// caa returns who may issue: the CA in use, and the account there if it is
// known.
func (r *run) caa(c *cli.Context) (*delegate.CAA, error) {
	chosen, err := chooseCA(c, r.config)
	if err != nil {
		return nil, err
	}
	caa := &delegate.CAA{Identities: c.StringSlice("ca-identity")}
	if len(caa.Identities) == 0 {
		if caa.Identities, err = r.identities(c, chosen); err != nil {
			return nil, err
		}
	}
	s, err := r.stateStore()
	if err != nil {
		return nil, err
	}
	switch account, err := s.LoadAccount(chosen.URL()); {
	case err == nil:
		caa.Account = account.URL
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if caa.Account == "" {
		r.process.warn(c, "no account at "+chosen.URL()+" is known yet: the CAA records let any account there issue; the first certctl issue makes one")
	}
	return caa, nil
}

// identities asks the CA's directory by which name CAA records know it. One
// name is enough (RFC 8555 §7.1.1).
func (r *run) identities(c *cli.Context, chosen *config.ACME) ([]string, error) {
	remedy := "--ca-identity letsencrypt.org"
	if c.Bool("offline") {
		return nil, usagef(remedy, "with --offline the CA's directory is not asked by which name CAA records know it")
	}
	ca, err := r.ca(c.Context, chosen)
	if err != nil {
		return nil, fmt.Errorf("--caa: %w", err)
	}
	if len(ca.CAAIdentities) == 0 {
		return nil, usagef(remedy, "the directory %s does not say by which name CAA records know the CA", chosen.URL())
	}
	return ca.CAAIdentities[:1], nil
}

// credentialFor returns the credential for a scope of the plan, and the zone
// that it writes in: a configured one, or one with the key that the printed
// configuration proposes, for a zone that is yet to be made.
func (r *run) credentialFor(s delegate.Scope) (credential *dns01.Credential, zone delegation.Name, configured bool, err error) {
	for _, zone := range []delegation.Name{s.Zone, s.Name} {
		if grant, err := r.credentials.For(&delegation.Target{Owner: s.Owners[0], Zone: zone}); err == nil {
			return grant.Credential, zone, true, nil
		}
	}
	key := rfc2136.TSIG{Name: s.KeyName(), Secret: secret.Plain("unused")}
	env := dns01.Environment{Client: r.client, Primary: r.resolver.Primary, Getenv: r.process.Getenv}
	provider, err := rfc2136.New(rfc2136.Config{TSIG: key}, s.Name, env)
	if err != nil {
		return nil, "", false, err
	}
	return dns01.NewCredential("", s.Name, provider), s.Name, false, nil
}

// await waits for the records, if that is asked for.
func (r *run) await(c *cli.Context, plan *delegate.Plan) error {
	if !c.Bool("wait") {
		return nil
	}
	ctx, cancel := c.Context, context.CancelFunc(func() {})
	if limit := c.Duration("timeout"); limit > 0 {
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("after %s", limit))
	}
	defer cancel()
	watch := &delegate.Watch{
		Resolver: func() *delegation.Resolver { return r.freshResolver(nil) },
		Client:   r.client,
		Observe: func(s delegate.Sighting) {
			r.process.say(c, fmt.Sprintf("%s %s at %s: %s", s.Record.Owner.Bare(), s.Record.Type, serverName(s.Server), s.Answer))
		},
	}
	err := watch.Wait(ctx, plan)
	var stray *delegate.StrayError
	switch {
	case errors.As(err, &stray):
		return &issuance.StepError{Certificate: stray.Delegation.Domain, Step: issuance.Locating, Err: err}
	case err != nil:
		return &issuance.StepError{Certificate: plan.Delegations[0].Domain, Step: issuance.Waiting, Err: err}
	}
	for _, d := range plan.Delegations {
		r.process.say(c, fmt.Sprintf("%s leads to %s in zone %s, as planned", d.Challenge.Bare(), d.Owner.Bare(), d.TargetZone.Bare()))
	}
	return nil
}
