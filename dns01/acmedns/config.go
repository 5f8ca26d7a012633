package acmedns

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/guard"
	"certctl/dns01/web"
	"certctl/secret"
)

// Config is an entry of zones: with provider: acme-dns. The entry is for the
// name of one registration, or with storage for names above those of several.
type Config struct {
	// URL is where the server has its API. It must be https, except on this host
	// itself. With storage it is for registrations that do not say theirs.
	URL Server `yaml:"url,omitempty"`

	// Username is the registration's, a UUID.
	Username string `yaml:"username,omitempty"`

	// Password is the registration's, of 40 characters.
	Password secret.Secret `yaml:"password,omitempty"`

	// Subdomain is the registration's, a UUID.
	Subdomain string `yaml:"subdomain,omitempty"`

	// FullDomain is the name that aliases lead to. Default: the entry's name, or
	// the subdomain below it.
	FullDomain string `yaml:"fulldomain,omitempty"`

	// Storage is a JSON file with registrations, as lego, acme-dns-client and
	// certbot's hook for acme-dns keep them, instead of username, password,
	// subdomain and fulldomain.
	Storage Storage `yaml:"storage,omitempty"`

	// CAFile has the roots for the server's TLS, in PEM. Default: the system's.
	CAFile secret.Path `yaml:"ca_file,omitempty"`

	// Timeout is how long the server may take to answer. Default: 30s.
	Timeout time.Duration `yaml:"timeout,omitempty"`
}

// Server is the URL of a server.
type Server string

// Warnings warns of the server that is there for trying out.
func (s Server) Warnings() []string {
	if u, err := url.Parse(string(s)); err == nil && strings.EqualFold(u.Hostname(), "auth.acme-dns.io") {
		return []string{"auth.acme-dns.io is for trying out: who runs it can get certificates for all names that lead there"}
	}
	return nil
}

// Storage is the path of a file with registrations.
type Storage string

// SetDir makes a relative path relative to dir.
func (s *Storage) SetDir(dir string) { (*secret.Path)(s).SetDir(dir) }

// Warnings warns of a file that others can read.
func (s Storage) Warnings() []string { return secret.Exposed(string(s)) }

// New returns a provider that writes within a scope. It reads no secret: that is
// for Prepare, or the first use.
func New(c Config, scope delegation.Name, _ dns01.Environment) (dns01.Provider, error) {
	p := &provider{scope: scope, config: c, turn: guard.NewTurn(), places: make(map[delegation.Name]*place)}
	single := c.Username != "" || !c.Password.IsZero() || c.Subdomain != "" || c.FullDomain != ""
	if c.Storage != "" {
		if single {
			return nil, errors.New("storage: it has the registrations: name no username, password, subdomain or fulldomain beside it")
		}
		p.label = "acme-dns storage " + filepath.Base(string(c.Storage))
		return p, p.checkURL(c.URL != "")
	}
	if c.Username == "" || c.Password.IsZero() || c.Subdomain == "" {
		return nil, errors.New("url, username, password and subdomain are needed, as the server gave them on registration; or storage")
	}
	full, err := c.fullDomain(scope)
	if err != nil {
		return nil, fmt.Errorf("fulldomain: %w", err)
	}
	p.full, p.label = full, "acme-dns "+full.Bare()
	return p, p.checkURL(true)
}

func (p *provider) checkURL(needed bool) error {
	if !needed {
		return nil
	}
	_, err := web.NewClient(string(p.config.URL), string(p.config.CAFile), p.config.Timeout)
	return err
}

// fullDomain returns the name of the one registration.
func (c Config) fullDomain(scope delegation.Name) (delegation.Name, error) {
	full := c.FullDomain
	first, _, _ := strings.Cut(scope.String(), ".")
	switch {
	case full == "" && strings.EqualFold(first, c.Subdomain):
		return scope, nil
	case full == "":
		full = c.Subdomain + "." + scope.String()
	}
	name, err := delegation.ParseName(full)
	if err == nil && !name.IsAtOrBelow(scope) {
		err = fmt.Errorf("%s is not at or below %s", name.Bare(), scope.Bare())
	}
	return name, err
}
