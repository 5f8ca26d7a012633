package cli

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"certctl/acme"
	"certctl/config"
	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/standalone"
	"certctl/issuance"
	"certctl/store"
)

// run is what a command works with, made of the configuration.
type run struct {
	process     *Process
	config      *config.Config
	store       *store.Store
	client      *delegation.Client
	resolver    *delegation.Resolver
	credentials dns01.Credentials
	standalone  standalone.Pool                // the zones that this run serves itself
	entries     map[string]*config.Certificate // under certificates:, by name

	dialing sync.Mutex
	cas     map[string]*acme.CA // by directory URL
}

// load finds and reads the configuration.
func (p *Process) load(c *cli.Context) (*config.Config, error) {
	path, err := config.Find(c.String("config"), p.Getenv)
	if err != nil {
		return nil, &UsageError{Err: err}
	}
	cfg, err := config.Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("check --config and $CERTCTL_CONFIG", "there is no configuration file %s", path)
	}
	remedy := ""
	if errors.Is(err, fs.ErrPermission) {
		remedy = "the user that certctl runs as has to be allowed to read it"
	}
	if err != nil {
		return nil, &UsageError{Err: err, Remedy: remedy}
	}
	return cfg, nil
}

// open reads the configuration and makes of it what all commands need. It
// neither writes nor asks anybody anything.
func (p *Process) open(c *cli.Context) (*run, error) {
	cfg, err := p.load(c)
	if _, none := errors.AsType[*config.NotFoundError](err); none && p.bare() {
		cfg, err = config.None()
	}
	if err != nil {
		return nil, err
	}
	return p.openWith(c, cfg)
}

// bare reports whether all that is kept where it is kept by default was ordered
// without a configuration file. What was ordered with one may need more of it
// than is remembered, hooks for example: then it is missing.
func (p *Process) bare() bool {
	kept, err := store.At(config.DefaultState(p.Getenv)).Requests()
	return err == nil && len(kept) > 0 && !slices.ContainsFunc(kept, func(k *store.Request) bool { return !k.Bare })
}

// openWith does the same with a configuration that is read already.
func (p *Process) openWith(c *cli.Context, cfg *config.Config) (r *run, err error) {
	if r, err = p.withoutStore(c, cfg); err != nil {
		return nil, err
	}
	r.store, err = store.Open(cfg.StateDir(p.Getenv))
	if err != nil {
		return nil, err
	}
	r.store.Command = c.Command.Name
	return r, nil
}

// withoutStore makes ready what needs no state directory.
func (p *Process) withoutStore(c *cli.Context, cfg *config.Config) (r *run, err error) {
	if !p.Terminal && !c.IsSet("log-format") {
		p.logAs(cfg.Log.Format)
	}
	r = &run{process: p, config: cfg, cas: make(map[string]*acme.CA), entries: make(map[string]*config.Certificate)}
	for _, cert := range cfg.Certificates {
		r.entries[cert.Name] = cert
	}
	options, err := p.asking(c, cfg.Resolver)
	if err != nil {
		return nil, err
	}
	r.client, r.resolver = options.Client, delegation.NewResolver(options)
	if err := r.openCredentials(); err != nil {
		return nil, &UsageError{Err: err}
	}
	for _, text := range cfg.Warnings() {
		p.warn(c, text)
	}
	return r, nil
}

func (r *run) openCredentials() error {
	env := dns01.Environment{Client: r.client, Primary: r.resolver.Primary, Getenv: r.process.Getenv}
	var errs []error
	for _, z := range r.config.Zones {
		credential, err := credential(z, env, &r.standalone)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		r.credentials = append(r.credentials, credential)
	}
	return errors.Join(errs...)
}

// lock takes the lock of the state directory. Whoever has it is at work, and is
// not to leave a record behind because somebody has piped the output into head, or
// a connection to the machine has broken.
func (r *run) lock(c *cli.Context) (unlock func(), err error) {
	if r.process.Unheard != nil {
		r.process.Unheard()
	}
	return r.store.Lock(c.Context, !c.Bool("no-wait"), func(holder string) {
		r.process.tell(fmt.Sprintf("waiting for %s, which is at work in %s", holder, r.store.Dir))
	})
}

// sweep removes what killed runs left in the DNS and below webroots. That it
// cannot is said, but is no reason not to go on.
func (r *run) sweep(c *cli.Context) {
	gone, err := issuance.Sweep(c.Context, r.store, r.credentials)
	if len(gone) > 0 {
		r.process.say(c, fmt.Sprintf("%s of an earlier run removed", count(len(gone), "record")))
	}
	if err != nil {
		r.process.warn(c, "records of an earlier run are left: "+err.Error())
	}
	clean, err := issuance.SweepFiles(r.store)
	for _, root := range clean {
		r.process.say(c, "files of an earlier run removed below "+root)
	}
	if err != nil {
		r.process.warn(c, "files of an earlier run are left: "+err.Error())
	}
}

// ca reads the CA's directory, once.
func (r *run) ca(ctx context.Context, a *config.ACME) (*acme.CA, error) {
	r.dialing.Lock()
	defer r.dialing.Unlock()
	if ca := r.cas[a.URL()]; ca != nil {
		return ca, nil
	}
	roots, err := readRoots(string(a.CAFile))
	if err != nil {
		return nil, err
	}
	ca, err := acme.Dial(ctx, acme.Config{Directory: a.URL(), Roots: roots, UserAgent: userAgent()})
	if err != nil {
		return nil, err
	}
	r.cas[a.URL()] = ca
	return ca, nil
}

// account opens the account at a CA.
func (r *run) account(ctx context.Context, a *config.ACME) (*acme.Account, error) {
	ca, err := r.ca(ctx, a)
	if err != nil {
		return nil, err
	}
	return r.openWith(ctx, issuance.OpenAccount, ca, a)
}

// registration returns what a new account at a CA is asked for with.
func registration(ctx context.Context, a *config.ACME) (r acme.Registration, err error) {
	r.AgreeTerms = a.AgreeTOS
	if a.Email != "" {
		r.Contact = []string{"mailto:" + a.Email}
	}
	if a.Email == "" && config.DirectoryOf(a.URL()).Email {
		return r, usagef("--email ops@example.com, or `email:` below `acme:`", "%s issues only for accounts with an address", a.Directory)
	}
	r.External, err = external(ctx, a.EAB)
	return r, err
}

func userAgent() string { return "certctl/" + strings.Trim(strings.Fields(Version())[0], "()") }

// readRoots reads certificates to trust; none given means the system's.
func readRoots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usagef("", "ca_file: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, usagef("", "ca_file: there is no certificate in %s: PEM is expected", path)
	}
	return roots, nil
}

// external reads an external account binding. CAs hand the key out in
// base64url (RFC 8555 §7.3.4), some with padding.
func external(ctx context.Context, e *config.EAB) (*acme.ExternalAccount, error) {
	if e == nil {
		return nil, nil
	}
	text, err := e.HMAC.Reveal(ctx)
	if err != nil {
		return nil, fmt.Errorf("eab: hmac: %w", err)
	}
	key, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil, fmt.Errorf("eab: hmac: %s is not base64url", e.HMAC)
	}
	return &acme.ExternalAccount{KeyID: e.KID, Key: key}, nil
}

// warn writes a warning, unless only errors are wanted.
func (p *Process) warn(c *cli.Context, text string) {
	if p.log != nil && !c.Bool("quiet") {
		p.log.Warn(text)
		return
	}
	p.say(c, "warning: "+text)
}

// say writes what is worth knowing, unless only errors are wanted.
func (p *Process) say(c *cli.Context, text string) {
	if !c.Bool("quiet") {
		p.tell(text)
	}
}

// tell writes a line or a record.
func (p *Process) tell(text string) {
	if p.log != nil {
		p.log.Info(text)
		return
	}
	fmt.Fprintf(p.Stderr, "certctl: %s\n", text)
}
