package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"certctl/config"
	"certctl/delegation"
	"certctl/foreign"
	"certctl/install"
	"certctl/moving"
	"certctl/store"
)

func (p *Process) importCommand() *cli.Command {
	var clients []*cli.Command
	for _, client := range foreign.Clients() {
		clients = append(clients, &cli.Command{
			Name:        client.Name,
			Usage:       "take over what " + client.Name + " keeps in DIR; default: " + strings.Join(client.Places, ", "),
			ArgsUsage:   "[DIR]",
			Description: importDescription,
			Flags:       importFlags(),
			Action:      func(c *cli.Context) error { return p.importFrom(c, client) },
		})
	}
	return &cli.Command{
		Name:        "import",
		Usage:       "move in from certbot, lego, acme.sh or dehydrated: accounts, certificates, what was asked for",
		UsageText:   "certctl import certbot --dry-run\ncertctl import certbot --write-config --keep-paths\ncertctl import lego /srv/lego",
		Description: importDescription,
		Subcommands: clients,
		Action:      p.noSubcommand,
	}
}

const importDescription = "It says what it would do, asks, and then takes over accounts, keys, certificates with their\n" +
	"older versions, and what was asked for, so that renew renews it. It asks no CA and changes\n" +
	"nothing in DIR. What cannot be used is left out, with the reason, and the exit code is 4."

func importFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "dry-run", Usage: "say what would be done, and do nothing"},
		yesFlag(),
		&cli.BoolFlag{Name: "write-config", Usage: "add zones and certificates to the configuration file, which is made if there is none; default: print them"},
		&cli.BoolFlag{Name: "keep-paths", Usage: "keep the files up to date where the other client has them, so that servers need no other paths"},
		&cli.BoolFlag{Name: "force", Usage: "take accounts in the place of others at the same CA"},
		&cli.StringSliceFlag{Name: "server", Usage: "`URL` of a CA's directory, where only the host is kept (lego); repeat for more"},
		&cli.StringFlag{Name: "state", Usage: "with a new configuration file: keep everything in `DIR`"},
		&cli.StringFlag{Name: "ca-file", Usage: "with a new configuration file: trust the roots in `FILE` (PEM) for the directory's own TLS"},
		noWaitFlag,
		&cli.BoolFlag{Name: "json", Usage: "print one JSON document"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print errors only"},
	}
}

// move is an import under way.
type move struct {
	*run
	client    foreign.Client
	household *foreign.Household
	plan      *moving.Plan
	path      string         // of the configuration
	text      []byte         // of the configuration, nil if there is none yet
	entries   []config.Entry // to be added to it
	extended  []byte         // with them
}

func (p *Process) importFrom(c *cli.Context, client foreign.Client) error {
	m := &move{client: client}
	if err := m.read(c, p); err != nil {
		return err
	}
	if !c.Bool("dry-run") {
		unlock, err := m.lock(c)
		if err != nil {
			return err
		}
		defer unlock()
	}
	if err := m.prepare(c); err != nil {
		return err
	}
	report := m.report()
	if !c.Bool("json") && !c.Bool("quiet") {
		report.write(p.Stdout)
	}
	if m.plan.Idle() || c.Bool("dry-run") {
		return errors.Join(m.print(c, report), m.leftOut())
	}
	if err := p.confirm(c, "Take this over?"); err != nil {
		return err
	}
	if err := m.carryOut(c, report); err != nil {
		return err
	}
	return errors.Join(m.print(c, report), m.leftOut())
}

// read reads the configuration, as far as there is one, and what the client
// keeps.
func (m *move) read(c *cli.Context, p *Process) (err error) {
	cfg, err := m.readConfig(c, p)
	if err != nil {
		return err
	}
	if m.household, err = p.household(c, m.client, cfg); err != nil {
		return err
	}
	if !c.Bool("dry-run") {
		m.run, err = p.openWith(c, cfg)
		return err
	}
	if m.run, err = p.withoutStore(c, cfg); err == nil {
		m.store = store.At(cfg.StateDir(p.Getenv))
	}
	return err
}

// readConfig reads the configuration; where there is none, the one that is to
// be made.
func (m *move) readConfig(c *cli.Context, p *Process) (*config.Config, error) {
	var err error
	m.path, err = config.Find(c.String("config"), p.Getenv)
	if _, none := errors.AsType[*config.NotFoundError](err); none {
		m.path, err = config.Preferred(p.Getenv), nil
	}
	if err != nil {
		return nil, err
	}
	m.text, err = os.ReadFile(m.path)
	if err == nil {
		for _, flag := range []string{"state", "ca-file"} {
			if c.IsSet(flag) {
				return nil, usagef("", "--%s is for a new configuration file, but there is %s", flag, m.path)
			}
		}
		cfg, err := config.Load(m.path)
		if err != nil {
			return nil, &UsageError{Err: err}
		}
		return cfg, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, &UsageError{Err: err}
	}
	for _, flag := range []string{"state", "ca-file"} {
		if err := m.addSetting(flag, c.String(flag)); err != nil {
			return nil, err
		}
	}
	return m.parse(nil)
}

// addSetting adds what a new configuration begins with.
func (m *move) addSetting(flag, path string) error {
	if path == "" {
		return nil
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if flag == "state" {
		m.entries = append(m.entries, config.Entry{Section: "", Keys: []string{"state"}, Value: absolute})
		return nil
	}
	m.entries = append(m.entries, config.Entry{Section: "acme", Keys: []string{"ca_file"}, Value: absolute})
	return nil
}

// parse reads the configuration as it will be.
func (m *move) parse(more []config.Entry) (cfg *config.Config, err error) {
	m.entries = append(m.entries, more...)
	if m.extended, err = config.Extend(m.text, m.entries); err != nil {
		return nil, usagef("without --write-config the lines are printed", "%s: %w", m.path, err)
	}
	return config.Parse(m.path, m.extended)
}

// household reads what the client keeps.
func (p *Process) household(c *cli.Context, client foreign.Client, cfg *config.Config) (*foreign.Household, error) {
	if c.NArg() > 1 {
		return nil, usagef(fmt.Sprintf("flags come before the directory: certctl import %s --yes DIR", client.Name), "one directory is expected")
	}
	dir, err := p.householdDir(c.Args().First(), client)
	if err != nil {
		return nil, err
	}
	o := foreign.Options{Getenv: p.Getenv}
	for _, word := range c.StringSlice("server") {
		url, err := config.DirectoryURL(word)
		if err != nil {
			return nil, usagef("", "--server %s: %w", word, err)
		}
		o.Directories = append(o.Directories, url)
	}
	for _, a := range cfg.ACME {
		o.Directories = append(o.Directories, a.URL())
	}
	for _, d := range config.Directories() {
		o.Directories = append(o.Directories, d.URL)
	}
	h, err := client.Read(dir, o)
	if errors.Is(err, fs.ErrPermission) {
		return nil, usagef("run it as the user that runs "+client.Name, "import: %w", err)
	}
	if err != nil {
		return nil, usagef("certctl import "+client.Name+" DIR", "import: %w", err)
	}
	return h, nil
}

// householdDir returns the directory that is given, or the first of the usual
// ones that is there.
func (p *Process) householdDir(given string, client foreign.Client) (string, error) {
	if given != "" {
		return filepath.Abs(given)
	}
	for _, place := range client.Places {
		if rest, home := strings.CutPrefix(place, "~"); home {
			place = p.Getenv("HOME") + rest
		}
		if _, err := os.Stat(place); err == nil {
			return filepath.Abs(place)
		}
	}
	return "", usagef("certctl import "+client.Name+" DIR", "there is no %s", strings.Join(client.Places, " and no "))
}

// prepare compares what the client keeps with what is here, and makes the
// configuration that goes with it.
func (m *move) prepare(c *cli.Context) (err error) {
	ctx, cancel := context.WithTimeout(c.Context, patience)
	defer cancel()
	o := moving.Options{
		Replace: c.Bool("force"), KeepPaths: c.Bool("keep-paths"), Now: time.Now(), Keep: m.config.Keep,
		Scopes: make(map[string]string), Hooks: foreign.Hooks{Pre: m.config.Hooks.Pre, Post: m.config.Hooks.Post},
		Alias: func(name string) (string, error) { return m.aliasOf(ctx, name) },
		Zone:  func(name string) (string, error) { return m.zoneOf(ctx, name) },
	}
	if m.text != nil {
		o.Directory = m.config.ACME[0].URL()
		for _, a := range m.config.ACME[1:] {
			o.Others = append(o.Others, a.URL())
		}
	}
	if err := m.addAccounts(&o); err != nil {
		return err
	}
	for _, z := range m.config.Zones {
		o.Scopes[z.Scope] = first(z.Zone, z.Scope)
	}
	for _, cert := range m.config.Certificates {
		o.Names = append(o.Names, cert.Name)
	}
	if m.plan, err = moving.New(m.household, m.store, o); err != nil {
		return err
	}
	entries := m.planned()
	if m.text == nil {
		m.entries = slices.DeleteFunc(m.entries, func(e config.Entry) bool { return e.Section == "acme" })
		entries = append([]config.Entry{m.authorities()}, entries...)
	}
	cfg, err := m.parse(entries)
	if err == nil {
		err = checkCertificates(cfg)
	}
	if err != nil && c.Bool("write-config") {
		return fmt.Errorf("the configuration would not be right: %w", err)
	}
	return nil
}

// patience is how long the DNS may take to say in which zones the names are: it
// can also be entered by hand.
const patience = 30 * time.Second

// aliasOf asks the DNS where a name leads to.
func (m *move) aliasOf(ctx context.Context, name string) (string, error) {
	parsed, err := delegation.ParseName(name)
	if err != nil {
		return "", err
	}
	target, err := m.resolver.Resolve(ctx, parsed, delegation.Follow{})
	if err != nil {
		return "", err
	}
	return target.Owner.Bare(), nil
}

// zoneOf asks the DNS in which zone a name is.
func (m *move) zoneOf(ctx context.Context, name string) (string, error) {
	parsed, err := delegation.ParseName(name)
	if err != nil {
		return "", err
	}
	zone, err := m.resolver.Zone(ctx, parsed)
	return zone.Apex.Bare(), err
}

// acmeEntry is an entry of acme: in a new configuration.
type acmeEntry struct {
	Directory string `yaml:"directory"`
	Account   string `yaml:"account,omitempty"`
	Email     string `yaml:"email,omitempty"`
	CAFile    string `yaml:"ca_file,omitempty"`
}

// addAccounts adds the accounts that come, and that certificates need, to a list
// of accounts at the same CA. Where the configuration has no list, a note says
// what it lacks: to make one of an entry would change lines that are there.
func (m *move) addAccounts(o *moving.Options) error {
	if m.text == nil {
		return nil
	}
	plan, err := moving.New(m.household, m.store, *o)
	if err != nil {
		return err
	}
	for _, c := range plan.Certificates {
		base, account, named := strings.Cut(c.Directory, "#")
		n := slices.IndexFunc(m.config.ACME, func(a *config.ACME) bool { return config.DirectoryOf(a.URL()).URL == base })
		if !named || n < 0 || c.Verdict != moving.Add || c.Directory == o.Directory || slices.Contains(o.Others, c.Directory) {
			continue
		}
		entry := config.Entry{Section: "acme", Value: acmeEntry{m.config.ACME[n].Directory, account, emailOf(plan, c.Directory), string(m.config.ACME[n].CAFile)}}
		if _, err := config.Extend(m.text, []config.Entry{entry}); err != nil {
			return nil
		}
		m.entries, o.Others = append(m.entries, entry), append(o.Others, c.Directory)
	}
	return nil
}

// emailOf returns the address of an account that comes, "" without one.
func emailOf(p *moving.Plan, directory string) (email string) {
	for _, a := range p.Accounts {
		if address, found := strings.CutPrefix(first(a.Contact...), "mailto:"); found && a.Directory == directory {
			email = address
		}
	}
	return email
}

// authorities is the CA of a new configuration: once, or for each account that
// certificates need.
func (m *move) authorities() config.Entry {
	directories := []string{m.plan.Directory}
	for _, cert := range m.plan.Certificates {
		if cert.Entry != nil && !slices.Contains(directories, cert.Directory) {
			directories = append(directories, cert.Directory)
		}
	}
	var list []acmeEntry
	for _, directory := range directories {
		label, account, _ := strings.Cut(config.DirectoryOf(directory).Label(), "#")
		list = append(list, acmeEntry{label, account, emailOf(m.plan, directory), string(m.config.ACME[0].CAFile)})
	}
	if len(list) == 1 {
		return config.Entry{Keys: []string{"acme"}, Value: list[0]}
	}
	return config.Entry{Keys: []string{"acme"}, Value: list}
}

// planned is what is to be added to the configuration for what comes here.
func (m *move) planned() (entries []config.Entry) {
	for _, z := range m.plan.Zones {
		entries = append(entries, config.Entry{Section: "zones", Keys: z.Scopes, Value: z.Entry})
	}
	if pre := m.plan.Hooks.Pre; len(pre) > 0 {
		entries = append(entries, config.Entry{Section: "hooks", Keys: []string{"pre"}, Value: pre})
	}
	if post := m.plan.Hooks.Post; len(post) > 0 {
		entries = append(entries, config.Entry{Section: "hooks", Keys: []string{"post"}, Value: post})
	}
	for _, cert := range m.plan.Certificates {
		if cert.Entry != nil {
			entries = append(entries, config.Entry{Section: "certificates", Keys: []string{cert.Name}, Value: cert.Entry})
		}
	}
	return entries
}

// carryOut takes everything over. The configuration is last: it names files
// and certificates that have to be there.
func (m *move) carryOut(c *cli.Context, report *moveReport) error {
	if err := m.plan.WriteSecrets(filepath.Dir(m.path)); err != nil {
		return err
	}
	if err := m.plan.Carry(); err != nil {
		return err
	}
	report.Done = true
	if !c.Bool("write-config") || len(m.entries) == 0 {
		return nil
	}
	report.Written = m.path
	return writeConfig(m.path, m.extended)
}

// writeConfig replaces a configuration file, also one behind a link, or makes
// it.
func writeConfig(path string, text []byte) error {
	mode := fs.FileMode(0o600)
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		mode = info.Mode().Perm()
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return install.WriteFile(path, text, mode)
}

// leftOut is the error that something could not be taken over.
func (m *move) leftOut() error {
	if len(m.plan.LeftOut) == 0 {
		return nil
	}
	err := fmt.Errorf("%s of %s left out", count(len(m.plan.LeftOut), "thing"), m.household.Dir)
	if slices.ContainsFunc(m.plan.LeftOut, func(l *foreign.LeftOut) bool { return errors.Is(l.Err, fs.ErrPermission) }) {
		err = &hintedError{err, "run it as the user that runs " + m.client.Name}
	}
	if len(m.plan.Certificates)+len(m.plan.Accounts) == 0 {
		return err
	}
	return &PartialError{err}
}
