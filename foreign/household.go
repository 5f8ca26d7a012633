package foreign

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Household is what a client keeps.
type Household struct {
	Client       string // "certbot"
	Dir          string // where it keeps it
	Accounts     []*Account
	Certificates []*Certificate // in the order of their names
	LeftOut      []*LeftOut     // what cannot be used
	Hooks        Hooks          // of all certificates
	Notes        []string       // what has no counterpart in a certificate or account
}

// Account is an account at a CA.
type Account struct {
	Directory string   // URL of the CA's directory
	URL       string   // of the account, "" where the client does not keep it
	Contact   []string // "mailto:…", as far as known
	Key       crypto.Signer
	From      string // the file with the key
}

// Certificate is a certificate and what was asked for.
type Certificate struct {
	Name      string // the client's name for it
	From      string // the file that says what was asked for
	Domains   []string
	Key       string // type, in the words of our configuration; "" where nobody has said
	Directory string // URL of the CA's directory
	Account   string // URL of the account, "" where that is not known
	Profile   string
	Chain     string // name of the root that is preferred, or ""
	ReuseKey  bool
	Staple    bool
	Deploy    []string // commands for each new certificate, in our words
	Hooks     Hooks
	Proof     Proof
	Versions  []*Version // the oldest first, the live one last
	Live      []File     // where the client keeps the live one
	Copies    []File     // where the client copies it for other programs
	Notes     []string   // what is not taken along
}

// Hooks are commands to run before and after certificates are ordered, in our
// words.
type Hooks struct {
	Pre, Post []string
}

// Add adds the commands of others that are not among them.
func (h *Hooks) Add(others Hooks) {
	h.Pre, h.Post = union(h.Pre, others.Pre), union(h.Post, others.Post)
}

func union(lines, more []string) []string {
	for _, line := range more {
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// Version is one issued certificate.
type Version struct {
	Key   crypto.Signer
	Chain []*x509.Certificate // leaf first
}

// Leaf returns the certificate itself.
func (v *Version) Leaf() *x509.Certificate { return v.Chain[0] }

// Latest returns the live version.
func (c *Certificate) Latest() *Version { return c.Versions[len(c.Versions)-1] }

// File is a part of a certificate in a file.
type File struct {
	What string // "privkey", "cert", "chain" or "fullchain", as install: has it
	Path string
}

// Proof is how the names were validated.
type Proof struct {
	By         string            // what the client calls it: "webroot", "dns_cf"
	Overridden map[string]string // by domain, the owner of its TXT record where it is not its own
	Credential *Credential       // for the DNS; nil where none is kept, or none is needed

	Challenge string            // "http-01" or "tls-alpn-01", "" for the DNS, or if that is not known
	Webroot   string            // directory that a server has as /; "" where the client listens itself
	Webroots  map[string]string // by domain, where there are several
	Listen    string            // at this address; "" for the usual one
}

// answer notes that names are proved by files in a directory, or "" where the
// client listens itself, at a port if it is not the usual one.
func (p *Proof) answer(webroot, port string) {
	p.Challenge, p.Webroot = "http-01", webroot
	if webroot == "" && port != "" && port != "80" {
		p.Listen = ":" + port
	}
}

// answerEach notes that each name is proved by files in a directory of its own.
func (p *Proof) answerEach(webroots map[string]string) {
	if all := slices.Compact(slices.Sorted(maps.Values(webroots))); len(all) == 1 {
		p.answer(all[0], "")
		return
	}
	p.Challenge, p.Webroots = "http-01", webroots
}

// Owner returns the name at which the TXT record for a domain was written.
func (p *Proof) Owner(domain string) string {
	if o := p.Overridden[domain]; o != "" {
		return o
	}
	return "_acme-challenge." + domain
}

// Credential is the key to a DNS zone, with what our configuration says about
// it. It never prints: the secrets in it are plain.
type Credential struct {
	Provider string // rfc2136, exec, or that of a service

	// Of services: the provider's keys in the configuration.
	Settings map[string]string
	Secrets  map[string]string
	Files    map[string]string // secrets that have a file of their own already

	// Of rfc2136.
	Server    string // host:port
	KeyName   string
	Algorithm string
	Secret    string // base64, or
	KeyFile   string // in the format of tsig-keygen

	// Of exec.
	Style       string
	Command     []string
	Cleanup     []string
	Environment map[string]string // secrets
}

// Format hides the secrets.
func (c *Credential) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "credential for %s", c.Provider) }

// LeftOut is something that cannot be used.
type LeftOut struct {
	What string // "certificate www.example.com", "account …"
	Err  error
}

func (h *Household) leaveOut(what, name string, err error) {
	h.LeftOut = append(h.LeftOut, &LeftOut{what + " " + name, err})
}

// Options say what the files do not.
type Options struct {
	// Directories are the URLs of directories that CAs may have: for clients
	// that keep the host alone.
	Directories []string
	Getenv      func(string) string
}

// Client is another ACME client.
type Client struct {
	Name   string
	Places []string // where it keeps things if nobody tells it otherwise; ~ is the home directory
	Off    string   // how it is kept from renewing
	Read   func(dir string, o Options) (*Household, error)
}

// Clients returns those that can be read.
func Clients() []Client {
	return []Client{
		{"certbot", []string{"/etc/letsencrypt"}, "systemctl disable --now certbot.timer", readCertbot},
		{"lego", []string{".lego", "~/.lego"}, "take lego out of crontab", readLego},
		{"acme.sh", []string{"~/.acme.sh"}, "acme.sh --uninstall-cronjob", readAcmeSh},
		{"dehydrated", []string{"/etc/dehydrated"}, "take dehydrated out of crontab", readDehydrated},
	}
}

// NoHouseholdError says that a directory is not one of a client.
type NoHouseholdError struct {
	Client, Dir string
	Missing     []string // at least one of these should be there
}

func (e *NoHouseholdError) Error() string {
	return fmt.Sprintf("%s is no directory of %s: there is no %s in it", e.Dir, e.Client, orList(e.Missing))
}

func orList(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	list := ""
	for _, w := range words[:len(words)-1] {
		list += w + ", "
	}
	return list[:len(list)-2] + " or " + words[len(words)-1]
}

// begin returns an empty household if the directory has one of the entries.
func begin(client, dir string, entries ...string) (*Household, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(list, func(e os.DirEntry) bool { return slices.Contains(entries, e.Name()) }) {
		return nil, &NoHouseholdError{client, dir, entries}
	}
	return &Household{Client: client, Dir: dir}, nil
}

// add adds a certificate, or the reason why not.
func (h *Household) add(name string, c *Certificate, err error) {
	if err != nil {
		h.leaveOut("certificate", name, err)
		return
	}
	h.Certificates = append(h.Certificates, c)
}

// addAccount adds an account, or the reason why not.
func (h *Household) addAccount(name string, a *Account, err error) {
	if err != nil {
		h.leaveOut("account", name, err)
		return
	}
	h.Accounts = append(h.Accounts, a)
}

// matching returns the paths in a directory whose names begin and end like
// this, in order. A directory that is not there has none; one that cannot be
// read is left out.
func (h *Household) matching(dir, prefix, suffix string) (paths []string) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		h.leaveOut("directory", dir, err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) && strings.HasSuffix(e.Name(), suffix) {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths
}

var errNoCertificate = errors.New("there is no certificate in PEM")
