package foreign

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// readAcmeSh reads what acme.sh keeps:
//
//	account.conf                   settings for all, and credentials of DNS services as SAVED_NAME or NAME
//	ca/HOST/PATH/account.key       key of an account; ca.conf beside it has its URL; HOST is without the port
//	NAME/, NAME_ecc/NAME.conf      what was asked for, and where it is installed
//	NAME/NAME.{key,cer}, ca.cer, fullchain.cer
//	dnsapi/dns_X.sh                the hook for a DNS service
func readAcmeSh(dir string, o Options) (*Household, error) {
	h, err := begin("acme.sh", dir, "account.conf", "ca")
	if err != nil {
		return nil, err
	}
	s := &acmeSh{Household: h, settings: assignments{}, getenv: o.Getenv}
	if err := s.settings.read(filepath.Join(dir, "account.conf")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	s.readAccounts()
	for _, home := range h.matching(cmp.Or(s.settings["CERT_HOME"], dir), "", "") {
		if !isDir(home) {
			continue
		}
		name := filepath.Base(home)
		conf := filepath.Join(home, strings.TrimSuffix(name, "_ecc")+".conf")
		if _, err := os.Stat(conf); errors.Is(err, fs.ErrNotExist) {
			s.noteStray(home, conf)
			continue
		}
		c, err := s.certificate(name, conf)
		h.add(name, c, err)
	}
	return h, nil
}

type acmeSh struct {
	*Household
	settings assignments
	getenv   func(string) string
}

func (s *acmeSh) noteStray(home, conf string) {
	if _, err := os.Stat(filepath.Join(home, "fullchain.cer")); err == nil {
		s.leaveOut("certificate", filepath.Base(home), fmt.Errorf("there is no %s, which says what was asked for", conf))
	}
}

func (s *acmeSh) readAccounts() {
	root := filepath.Join(s.Dir, "ca")
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.leaveOut("accounts in", path, err)
		}
		if err != nil || d.Name() != "account.key" {
			return nil
		}
		server, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		a, err := acmeShAccount(path, "https://"+filepath.ToSlash(server))
		s.addAccount(server, a, err)
		return nil
	})
}

func acmeShAccount(path, directory string) (a *Account, err error) {
	a = &Account{Directory: directory, From: path}
	if a.Key, err = readKey(path); err != nil {
		return nil, err
	}
	settings := assignments{}
	if err := settings.read(filepath.Join(filepath.Dir(path), "ca.conf")); err != nil {
		return nil, err
	}
	a.URL = settings["ACCOUNT_URL"]
	a.Directory = withPort(directory, a.URL)
	if email := settings["CA_EMAIL"]; email != "" {
		a.Contact = []string{"mailto:" + email}
	}
	return a, nil
}

// withPort gives a directory's URL the port of another URL at the same host.
func withPort(directory, other string) string {
	d, err := url.Parse(directory)
	if o, err2 := url.Parse(other); err == nil && err2 == nil && d.Port() == "" && o.Hostname() == d.Hostname() {
		d.Host = o.Host
		return d.String()
	}
	return directory
}

func (s *acmeSh) certificate(name, conf string) (*Certificate, error) {
	asked := assignments{}
	if err := asked.read(conf); err != nil {
		return nil, err
	}
	if asked["Le_Domain"] == "" || asked["Le_API"] == "" {
		return nil, fmt.Errorf("%s: Le_Domain and Le_API are expected", conf)
	}
	base := strings.TrimSuffix(conf, ".conf")
	home := filepath.Dir(conf)
	issuers, fullChain := filepath.Join(home, "ca.cer"), filepath.Join(home, "fullchain.cer")
	latest, err := readVersion(base+".key", fullChain, issuers)
	if err != nil {
		return nil, err
	}
	c := &Certificate{
		Name: name, From: conf, Domains: acmeShDomains(asked), Key: acmeShKey(asked["Le_Keylength"]), Directory: certbotDirectory(asked["Le_API"]),
		Chain: encoded(asked["Le_Preferred_Chain"]), Profile: asked["Le_Certificate_Profile"], Staple: staples(latest.Leaf()),
		ReuseKey: asked["Le_ForceNewDomainKey"] != "1", Versions: []*Version{latest},
		Live: []File{{"privkey", base + ".key"}, {"cert", base + ".cer"}, {"chain", issuers}, {"fullchain", fullChain}},
	}
	for _, installed := range []struct{ what, variable string }{
		{"privkey", "Le_RealKeyPath"}, {"cert", "Le_RealCertPath"}, {"chain", "Le_RealCACertPath"}, {"fullchain", "Le_RealFullChainPath"},
	} {
		if path := encoded(asked[installed.variable]); path != "" {
			c.Copies = append(c.Copies, File{installed.what, path})
		}
	}
	s.readHooks(c, asked)
	for _, a := range s.Accounts {
		if a.Directory == c.Directory {
			c.Account = a.URL
		}
	}
	s.prove(c, asked)
	return c, nil
}

// readHooks finds the commands for each new certificate, and around its order.
func (s *acmeSh) readHooks(c *Certificate, asked assignments) {
	for _, hook := range []string{"Le_RenewHook", "Le_ReloadCmd"} {
		if line := encoded(asked[hook]); line != "" {
			c.Deploy = append(c.Deploy, Command(line))
		}
	}
	c.Hooks = Hooks{commands(encoded(asked["Le_PreHook"])), commands(encoded(asked["Le_PostHook"]))}
}

func acmeShDomains(asked assignments) []string {
	names := []string{asked["Le_Domain"]}
	if more := asked["Le_Alt"]; more != "" && more != "no" {
		names = append(names, strings.Split(more, ",")...)
	}
	return names
}

// acmeShKey returns the type of key: lengths of RSA are numbers.
func acmeShKey(length string) string {
	curves := map[string]string{"": "", "ec-256": "ecdsa-p256", "ec-384": "ecdsa-p384", "ec-521": "ecdsa-p521"}
	if curve, known := curves[length]; known {
		return curve
	}
	return "rsa-" + length
}

// prove finds out how the names were validated. Webroots, hooks and aliases are
// lists, in the order of the names.
func (s *acmeSh) prove(c *Certificate, asked assignments) {
	by := strings.Split(asked["Le_Webroot"], ",")
	c.Proof.By = by[0]
	c.Proof.Overridden = acmeShAliases(c.Domains, encoded(asked["Le_ChallengeAlias"]))
	switch {
	case by[0] == "no":
		c.Proof.answer("", asked["Le_HTTPPort"])
	case by[0] == "alpn":
		c.Proof.Challenge = "tls-alpn-01"
	case !slices.ContainsFunc(by, func(root string) bool { return !strings.HasPrefix(root, "/") }):
		roots := make(map[string]string)
		for i, name := range c.Domains {
			roots[name] = by[min(i, len(by)-1)]
		}
		c.Proof.answerEach(roots)
		return
	case strings.HasPrefix(by[0], "/"):
		c.Proof.answer(by[0], "")
	}
	for _, other := range by[1:] {
		if other != "" && other != by[0] {
			c.Notes = append(c.Notes, fmt.Sprintf("it is validated with %s and %s: what the second needs is not taken along", by[0], other))
			break
		}
	}
	if strings.HasPrefix(by[0], "dns_") {
		s.findCredential(c, asked)
	}
}

// findCredential finds the key that a hook has used: for a provider of ours if
// there is one, else the hook goes on using it.
func (s *acmeSh) findCredential(c *Certificate, asked assignments) {
	by := c.Proof.By
	native, known := serviceWith(func(n service) bool { return n.acmeSh == by })
	if known {
		c.Proof.Credential = native.credential(func(k serviceKey) string { return s.setting(asked, k.acmeSh) })
	}
	if by == "dns_nsupdate" {
		c.Proof.Credential = s.nsupdate(asked)
	} else if script := s.hook(by); script != "" && c.Proof.Credential == nil {
		c.Proof.Credential = s.exec(script, asked)
	}
	switch missing := c.Proof.Credential == nil; {
	case missing:
		c.Notes = append(c.Notes, fmt.Sprintf("its credentials for the DNS (%s) are not there: enter them below zones:", by))
	case by == "dns_azure" && c.Proof.Credential.Provider == "exec":
		c.Notes = append(c.Notes, "provider: azure needs no hook: import with $AZURE_RESOURCE_GROUP writes it for a service principal")
	case by == "dns_hetzner":
		c.Notes = append(c.Notes, "dns_hetzner is for the API of the former DNS console: provider: hetzner takes a token of Hetzner Cloud")
	}
}

// acmeShAliases returns the owners that stand in for the names' own: for
// --challenge-alias X it is _acme-challenge.X, for --domain-alias, kept as =X, X.
func acmeShAliases(names []string, list string) map[string]string {
	owners := map[string]string{}
	aliases := strings.Split(list, ",")
	for i, name := range names {
		alias := aliases[min(i, len(aliases)-1)]
		if alias == "" || alias == "no" {
			continue
		}
		if owner, own := strings.CutPrefix(alias, "="); own {
			owners[strings.TrimPrefix(name, "*.")] = owner
		} else {
			owners[strings.TrimPrefix(name, "*.")] = "_acme-challenge." + alias
		}
	}
	return owners
}

// saved returns a setting of a hook: that of the certificate before that of all.
// Some hooks save it as it is called.
func (s *acmeSh) saved(asked assignments, name string) string {
	for _, settings := range []assignments{asked, s.settings} {
		if value := cmp.Or(settings["SAVED_"+name], settings[name]); value != "" {
			return encoded(value)
		}
	}
	return ""
}

// setting returns a setting that is saved, or in the environment, where hooks
// look as well.
func (s *acmeSh) setting(asked assignments, name string) string {
	return cmp.Or(s.saved(asked, name), s.getenv(name))
}

func (s *acmeSh) nsupdate(asked assignments) *Credential {
	v := func(name string) string { return s.saved(asked, "NSUPDATE_"+name) }
	if v("SERVER") == "" || v("KEY") == "" {
		return nil
	}
	return &Credential{Provider: "rfc2136", Server: net.JoinHostPort(v("SERVER"), cmp.Or(v("SERVER_PORT"), "53")), KeyFile: v("KEY")}
}

// hook finds the script for a DNS service.
func (s *acmeSh) hook(name string) string {
	for _, dir := range []string{s.Dir, filepath.Join(s.Dir, "dnsapi")} {
		path := filepath.Join(dir, name+".sh")
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			if absolute, err := filepath.Abs(path); err == nil {
				return absolute
			}
		}
	}
	return ""
}

var settingOfHook = regexp.MustCompile(`_read(?:account|domain)conf(?:_mutable)?\s+"?([A-Za-z_][A-Za-z0-9_]*)`)

// exec keeps a script in use, with the settings that it reads.
func (s *acmeSh) exec(script string, asked assignments) *Credential {
	text, err := os.ReadFile(script)
	if err != nil {
		return nil
	}
	c := &Credential{Provider: "exec", Style: "acme.sh", Command: []string{script}, Environment: map[string]string{}}
	if own := filepath.Join(filepath.Dir(filepath.Dir(script)), "acme.sh"); filepath.Base(filepath.Dir(script)) == "dnsapi" {
		if _, err := os.Stat(own); err == nil {
			c.Command = []string{own, script}
		}
	}
	for _, match := range settingOfHook.FindAllSubmatch(text, -1) {
		if value := s.saved(asked, string(match[1])); value != "" {
			c.Environment[string(match[1])] = value
		}
	}
	return c
}
