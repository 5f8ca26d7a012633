package desec

import (
	"cmp"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/hosted"
	"certctl/dns01/web"
	"certctl/secret"
)

// Config is an entry of zones: with provider: desec.
type Config struct {
	// Token is a token whose policies allow to write the TXT records of the
	// challenge names, and no others.
	Token secret.Secret `yaml:"token" required:"true"`

	// URL is where the API is.
	URL string `yaml:"url,omitempty" default:"https://desec.io/api/v1"`

	// CAFile has the roots for the server's TLS, in PEM. Default: the system's.
	CAFile secret.Path `yaml:"ca_file,omitempty"`
}

// provider is a dns01.Provider.
type provider struct {
	*hosted.Provider
	account *web.Account
	url     string
}

// New returns a provider that writes within a scope. It reads no secret: that is
// for Prepare, or the first use.
func New(c Config, scope delegation.Name, _ dns01.Environment) (dns01.Provider, error) {
	c.URL = cmp.Or(c.URL, "https://desec.io/api/v1")
	account, err := web.NewTokenAccount(c.URL, string(c.CAFile), "Token", c.Token)
	if err != nil {
		return nil, err
	}
	s := &service{account}
	return &provider{hosted.New("desec", scope, account, s.open), account, c.URL}, nil
}

// Verifies implements dns01.Verifier: sets that were replaced are read again.
func (p *provider) Verifies() {}
