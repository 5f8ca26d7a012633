package foreign

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// readLego reads what lego keeps:
//
//	accounts/HOST/EMAIL/account.json      the account's URL
//	accounts/HOST/EMAIL/keys/EMAIL.key    its key
//	certificates/NAME.json                first name, and URL of the certificate
//	certificates/NAME.{key,crt,issuer.crt}
//
// The URL of the CA's directory is not among it, nor the names asked for, hooks
// and credentials, which are in the command line and the environment.
func readLego(dir string, o Options) (*Household, error) {
	h, err := begin("lego", dir, "certificates", "accounts")
	if err != nil {
		return nil, err
	}
	l := &lego{Household: h, directories: o.Directories}
	credential := legoCredential(o.Getenv)
	for _, server := range h.matching(filepath.Join(dir, "accounts"), "", "") {
		for _, at := range h.matching(server, "", "") {
			a, err := l.account(at)
			h.addAccount(filepath.Base(at), a, err)
		}
	}
	resources := h.matching(filepath.Join(dir, "certificates"), "", ".json")
	for _, path := range resources {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		c, err := l.certificate(name, path)
		if err == nil {
			c.Proof.Credential = credential
		}
		h.add(name, c, err)
	}
	l.findStrays(resources)
	if len(h.Certificates) > 0 && credential == nil {
		h.Notes = append(h.Notes, "lego keeps neither hooks nor credentials for the DNS: enter them below certificates: and zones:")
	}
	return h, nil
}

type lego struct {
	*Household
	directories []string
}

// directory returns the directory of the CA to which a URL leads.
func (l *lego) directory(link string) (string, error) {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("%q is no URL of a CA", link)
	}
	for _, d := range l.directories {
		if known, err := url.Parse(d); err == nil && known.Host == u.Host {
			return d, nil
		}
	}
	return "", &UnknownCAError{u.Host}
}

// UnknownCAError says that only the host of a CA is known.
type UnknownCAError struct{ Host string }

func (e *UnknownCAError) Error() string {
	return fmt.Sprintf("the URL of the directory at %s is not kept, and the CA is not known", e.Host)
}

// Hint says how to tell.
func (e *UnknownCAError) Hint() string { return "--server https://" + e.Host + "/… says it" }

func (l *lego) account(dir string) (*Account, error) {
	path := filepath.Join(dir, "account.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Email        string
		Registration struct {
			URI  string
			Body struct{ Contact []string }
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	a := &Account{URL: file.Registration.URI, Contact: file.Registration.Body.Contact}
	if a.Directory, err = l.directory(a.URL); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	a.From = filepath.Join(dir, "keys", filepath.Base(dir)+".key")
	a.Key, err = readKey(a.From)
	return a, err
}

func (l *lego) certificate(name, path string) (*Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct{ Domain, CertURL, CertStableURL string }
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	base := strings.TrimSuffix(path, ".json")
	latest, err := readVersion(base+".key", base+".crt", base+".issuer.crt")
	if err != nil {
		return nil, err
	}
	c := &Certificate{
		Name: name, From: path, Domains: domains(latest.Leaf(), file.Domain), Staple: staples(latest.Leaf()), Versions: []*Version{latest},
		Live: []File{{"privkey", base + ".key"}, {"fullchain", base + ".crt"}, {"chain", base + ".issuer.crt"}},
	}
	if bundle, err := readChain(base + ".crt"); err == nil && len(bundle) == 1 {
		c.Live[1].What = "cert"
	}
	if c.Directory, err = l.directory(file.CertURL); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if i := slices.IndexFunc(l.Accounts, func(a *Account) bool { return a.Directory == c.Directory }); i >= 0 {
		c.Account = l.Accounts[i].URL
	}
	return c, nil
}

func (l *lego) findStrays(resources []string) {
	for _, path := range l.matching(filepath.Join(l.Dir, "certificates"), "", ".crt") {
		name, issuer := strings.CutSuffix(path, ".issuer.crt")
		if name = strings.TrimSuffix(name, ".crt"); issuer || slices.Contains(resources, name+".json") {
			continue
		}
		l.leaveOut("certificate", filepath.Base(name), fmt.Errorf("there is no %s.json, which says from which CA it is", name))
	}
}

// legoCredential returns the one credential in the environment that lego has
// been run with, nil where there is none now, or more than one.
func legoCredential(getenv func(string) string) *Credential {
	all := []*Credential{legoRFC2136(getenv)}
	for _, s := range services() {
		all = append(all, s.credential(func(k serviceKey) string { return getenv(k.lego) }))
	}
	all = slices.DeleteFunc(all, func(c *Credential) bool { return c == nil })
	if len(all) != 1 {
		return nil
	}
	return all[0]
}

// legoRFC2136 returns the credential in the environment that lego has been run
// with, nil where it is not there now.
func legoRFC2136(getenv func(string) string) *Credential {
	v := func(name string) string { return getenv("RFC2136_" + name) }
	server, key := v("NAMESERVER"), v("TSIG_SECRET")
	if server == "" || key == "" {
		return nil
	}
	return &Credential{
		Provider: "rfc2136", Server: server, KeyName: strings.TrimSuffix(v("TSIG_KEY"), "."), Secret: key,
		Algorithm: strings.TrimSuffix(cmp.Or(strings.ToLower(v("TSIG_ALGORITHM")), "hmac-sha1"), "."),
	}
}
