package cli

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"certctl/acme"
	"certctl/config"
	"certctl/issuance"
	"certctl/secret"
	"certctl/store"
)

var noWaitFlag = &cli.BoolFlag{Name: "no-wait", Usage: "end at once if another run is at work in the state directory"}

func (p *Process) issueCommand() *cli.Command {
	domains := new(cli.StringSlice)
	return &cli.Command{
		Name:    "issue",
		Aliases: []string{"certonly", "run"},
		Usage:   "order certificates, unless good ones are there",
		UsageText: `certctl issue -d example.com -d '*.example.com'
certctl issue                 all certificates of the configuration
certctl issue --challenge http-01 --agree-tos -d www.example.com     without a configuration`,
		Flags: append([]cli.Flag{
			&cli.StringSliceFlag{Name: "domain", Aliases: []string{"d"}, Destination: domains, Usage: "put `NAME` into the certificate; repeat for more"},
			&cli.StringFlag{Name: "name", Aliases: []string{"cert-name"}, Usage: "keep the certificate as `NAME`; default: the first domain; without -d: the one of the configuration"},
			&cli.StringFlag{Name: "server", Usage: "order from the CA with this directory `URL` or short name"},
			&cli.BoolFlag{Name: "staging", Aliases: []string{"test-cert"}, Usage: "the same as --server letsencrypt-staging"},
			&cli.StringFlag{Name: "ca-file", Usage: "trust the roots in `FILE` (PEM) for the directory's own TLS"},
			&cli.StringFlag{Name: "email", Aliases: []string{"m"}, Usage: "register with this `ADDRESS`"},
			&cli.BoolFlag{Name: "agree-tos", Usage: "agree to the CA's terms of service"},
			&cli.StringFlag{Name: "key", Aliases: []string{"key-type"}, Usage: "`TYPE` of the private key: " + strings.Join(config.KeyTypes(), ", ")},
			&cli.StringFlag{Name: "profile", Usage: "ask the CA for the certificate profile `NAME`"},
			&cli.StringSliceFlag{Name: "follow", Usage: "`DOMAIN=HOW`: whether to follow an alias at its _acme-challenge: auto, never, or the name to write at"},
			&cli.BoolFlag{Name: "force", Aliases: []string{"force-renewal"}, Usage: "order even if a good certificate is there"},
			dryRunFlag(),
			noWaitFlag,
			&cli.BoolFlag{Name: "json", Usage: "print one JSON document"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print errors only"},
			&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "print every step, and lines in place of the live view"},
		}, requestFlags(domains)...),
		Action: p.reporting(p.issueAll),
	}
}

// issueAll orders the certificates that are asked for and not there.
func (p *Process) issueAll(c *cli.Context, rep *reporter) error {
	if err := noArguments(c); err != nil {
		return err
	}
	r, err := p.openToIssue(c)
	if err != nil {
		return err
	}
	ca, err := chooseCA(c, r.config)
	if err != nil {
		return err
	}
	renewals, err := r.wanted(c, ca)
	if err != nil {
		return err
	}
	unlock, err := r.lock(c)
	if err != nil {
		return err
	}
	defer unlock()
	r.sweep(c)
	if dryRun(c) != "" {
		return r.answering(c, func() error { return r.rehearse(c, ca, requestsOf(renewals), rep) })
	}
	if err := r.settleDeploy(c, renewals); err != nil {
		return err
	}
	kept, err := r.kept(certificateNames(requestsOf(renewals)))
	if err != nil {
		return err
	}
	remind(renewals, kept)
	if !c.Bool("force") {
		if renewals, err = r.missing(renewals, rep); err != nil {
			return err
		}
	}
	w := work{due: requestsOf(renewals), kept: kept}
	return r.carryOut(c, w, rep, func() error {
		results := r.keeperWith(c, ca, rep).Issue(c.Context, renewals)
		rep.issued(results)
		return failure(results)
	})
}

// openToIssue is open, but needs no configuration file where flags say all that
// there is to say: which names, and that they are not proven with credentials.
func (p *Process) openToIssue(c *cli.Context) (*run, error) {
	r, err := p.open(c)
	if _, none := errors.AsType[*config.NotFoundError](err); !none || len(c.StringSlice("domain")) == 0 && c.String("csr") == "" {
		return r, err
	}
	cfg, broken := config.None()
	if broken != nil {
		return nil, broken
	}
	request, wrong := requested(c, cfg, cfg.ACME[0])
	if wrong != nil {
		return nil, wrong
	}
	for _, name := range request.Names {
		if t := request.Preferred(name); t == acme.DNS01 || t == acme.DNSAccount01 {
			return nil, err
		}
	}
	return p.openWith(c, cfg)
}

func requestsOf(renewals []*issuance.Renewal) []issuance.Request {
	var requests []issuance.Request
	for _, w := range renewals {
		requests = append(requests, w.Request)
	}
	return requests
}

// remind joins renewals with what is kept of them.
func remind(renewals []*issuance.Renewal, kept []*store.Request) {
	for _, w := range renewals {
		if n := slices.IndexFunc(kept, func(k *store.Request) bool { return k.Name == w.Certificate }); n >= 0 {
			w.Kept = kept[n]
		}
	}
}

// issuer returns one that shows what it does.
func (r *run) issuer(c *cli.Context, account *acme.Account, rep *reporter) *issuance.Issuer {
	v := r.process.view(c)
	return &issuance.Issuer{
		Account:     account,
		Resolver:    r.resolver,
		Client:      r.client,
		Credentials: r.credentials,
		Store:       r.store,
		Keep:        r.config.Keep,
		Watch: func(e issuance.Event) {
			rep.note(e)
			v.Show(e)
			if r.process.Watch != nil {
				r.process.Watch(e)
			}
		},
	}
}

// failure joins the errors of the results: a PartialError where others are
// fine.
func failure(results []*issuance.Result) error {
	var errs []error
	for _, res := range results {
		if res.Err != nil {
			errs = append(errs, res.Err)
		}
	}
	err := errors.Join(errs...)
	if 0 < len(errs) && len(errs) < len(results) {
		return &PartialError{err}
	}
	return err
}

// missing leaves out those for which a good certificate is there.
func (r *run) missing(wanted []*issuance.Renewal, rep *reporter) ([]*issuance.Renewal, error) {
	var missing []*issuance.Renewal
	for _, w := range wanted {
		live, err := issuance.Current(r.store, w)
		if err != nil {
			return nil, err
		}
		if live == nil {
			missing = append(missing, w)
			continue
		}
		rep.kept(live, w)
	}
	return missing, nil
}

// chooseCA returns the CA of the configuration, or the one that flags ask for.
func chooseCA(c *cli.Context, cfg *config.Config) (*config.ACME, error) {
	ca := *cfg.ACME[0]
	server := c.String("server")
	if c.Bool("staging") {
		if server != "" {
			return nil, usagef("", "--staging and --server exclude each other")
		}
		server = "letsencrypt-staging"
	}
	if server != "" {
		url, err := config.DirectoryURL(server)
		if err != nil {
			return nil, usagef("", "--server %s: %w", server, err)
		}
		directory, account, _ := strings.Cut(server, "#")
		ca = config.ACME{Directory: directory, Account: account, Email: ca.Email, AgreeTOS: ca.AgreeTOS}
		if n := slices.IndexFunc(cfg.ACME, func(a *config.ACME) bool { return a.URL() == url }); n >= 0 {
			ca = *cfg.ACME[n]
		}
	}
	ca.AgreeTOS = ca.AgreeTOS || c.Bool("agree-tos")
	if email := c.String("email"); email != "" {
		ca.Email = email
	}
	if file := c.String("ca-file"); file != "" {
		path, err := filepath.Abs(file) // renew runs elsewhere
		if err != nil {
			return nil, usagef("", "--ca-file: %w", err)
		}
		ca.CAFile = secret.Path(path)
	}
	return &ca, nil
}

// wanted returns what is to be ordered: one certificate for the names given with
// -d, else those of the configuration.
func (r *run) wanted(c *cli.Context, ca *config.ACME) ([]*issuance.Renewal, error) {
	if len(c.StringSlice("domain")) > 0 || c.String("csr") != "" {
		request, err := requested(c, r.config, ca)
		others := fallbacks(request, among(c, ca, r.config.ACME))
		return []*issuance.Renewal{{Request: request, Directory: ca.URL(), Fallbacks: others, Once: true}}, err
	}
	var all []*issuance.Renewal
	for _, cert := range r.config.Certificates {
		if name := c.String("name"); name != "" && name != cert.Name {
			continue
		}
		w, err := r.from(cert, among(c, ca, r.config.Choices(cert)))
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	if len(all) == 0 {
		return nil, usagef("certctl issue -d example.com", "no names are given with -d, and the configuration has no such certificate")
	}
	return all, nil
}

// among returns the CAs to be asked: the one that flags choose, else those of
// the configuration, with the settings of one of them as flags have changed them.
func among(c *cli.Context, chosen *config.ACME, cas []*config.ACME) []*config.ACME {
	if c.IsSet("server") || c.Bool("staging") {
		return []*config.ACME{chosen}
	}
	cas = slices.Clone(cas)
	for n, ca := range cas {
		if ca.URL() == chosen.URL() {
			cas[n] = chosen
		}
	}
	return cas
}

// requested makes a request of flags.
func requested(c *cli.Context, cfg *config.Config, ca *config.ACME) (issuance.Request, error) {
	names, err := namesOf(c)
	if err != nil {
		return issuance.Request{}, &UsageError{Err: err}
	}
	r := issuance.Request{
		Certificate: first(c.String("name"), store.Name(names[0])),
		Names:       names,
		Bare:        cfg.Path() == "",
		Profile:     first(c.String("profile"), ca.Profile),
	}
	if r.Challenges, err = chosenChallenges(c, cfg); err != nil {
		return r, err
	}
	if r.PersistFor, err = persistFor(c, cfg); err != nil {
		return r, err
	}
	if err := details(c, ca, &r); err != nil {
		return r, err
	}
	if err := store.CheckName(r.Certificate); err != nil {
		return r, &UsageError{Err: err}
	}
	if err := answering(c, cfg, &r); err != nil {
		return r, err
	}
	if err := r.Check(); err != nil {
		return r, &UsageError{Err: err}
	}
	r.Follow, err = parseFollow(c.StringSlice("follow"), names)
	return r, err
}

// configured makes a request of an entry under certificates:.
func configured(cert *config.Certificate, cfg *config.Config, ca *config.ACME) (issuance.Request, error) {
	names, err := acme.ParseNames(cert.Domains)
	if err != nil {
		return issuance.Request{}, &UsageError{Err: fmt.Errorf("certificate %s: %w", cert.Name, err)}
	}
	challenges, err := preferredChallenges(cert.Challenges, cfg.Defaults.Challenges)
	if err != nil {
		return issuance.Request{}, &UsageError{Err: fmt.Errorf("certificate %s: challenges: %w", cert.Name, err)}
	}
	r := issuance.Request{
		Certificate: cert.Name,
		Names:       names,
		Key:         issuance.KeyType(cert.Key),
		Profile:     first(cert.Profile, ca.Profile),
		Challenges:  challenges,
		PersistFor:  cmp.Or(cert.PersistFor, cfg.Defaults.PersistFor),
		Follow:      followed(cert.Follow),
		Deploy:      cert.Deploy,
		ReuseKey:    cert.ReuseKey,
		MustStaple:  cert.MustStaple,
		Chain:       first(cert.PreferredChain, ca.PreferredChain),
	}
	if cert.CSR != "" {
		if err := bringCSR(&r, string(cert.CSR)); err != nil {
			return r, &UsageError{Err: fmt.Errorf("certificate %s: csr: %w", cert.Name, err)}
		}
	}
	err = answerAs(&r, *cmp.Or(cert.HTTP, &cfg.Defaults.HTTP), *cmp.Or(cert.TLSALPN, &cfg.Defaults.TLSALPN))
	if err != nil {
		return r, &UsageError{Err: fmt.Errorf("certificate %s: http: %w", cert.Name, err)}
	}
	if err := r.Check(); err != nil {
		return r, &UsageError{Err: fmt.Errorf("certificate %s: %w", cert.Name, err)}
	}
	return r, nil
}

// followed returns what an entry says about aliases, by the names that are
// ordered.
func followed(configured map[string]string) map[string]string {
	follow := make(map[string]string)
	for domain, how := range configured {
		follow[challenged(domain)] = how
	}
	return follow
}

// challenged returns the domain, as it is ordered, whose challenge name is that
// of a domain or wildcard.
func challenged(domain string) string {
	if names, err := acme.ParseNames([]string{domain}); err == nil {
		domain = names[0]
	}
	return strings.TrimPrefix(domain, "*.")
}

// parseFollow reads DOMAIN=HOW words.
func parseFollow(words, names []string) (map[string]string, error) {
	follow := make(map[string]string)
	for _, word := range words {
		domain, how, _ := strings.Cut(word, "=")
		domain = challenged(domain)
		if !slices.Contains(names, domain) && !slices.Contains(names, "*."+domain) {
			return nil, usagef("--follow example.com=never", "--follow %s: %s is not among the domains", word, domain)
		}
		if _, err := issuance.ParseFollow(how); err != nil || how == "" {
			return nil, usagef("--follow example.com=never", "--follow %s: auto, never or a domain name is expected after the =", word)
		}
		follow[domain] = how
	}
	return follow, nil
}
