package digitalocean

import (
	"cmp"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/hosted"
	"certctl/dns01/web"
	"certctl/secret"
)

// Config is an entry of zones: with provider: digitalocean.
type Config struct {
	// Token is a personal access token with the scopes domain:read, domain:create
	// and domain:delete, and no others.
	Token secret.Secret `yaml:"token" required:"true"`

	// URL is where the API is.
	URL string `yaml:"url,omitempty" default:"https://api.digitalocean.com/v2"`
}

// provider is a dns01.Provider.
type provider struct {
	*hosted.Provider
	service *service
}

// New returns a provider that writes within a scope. It reads no secret: that is
// for Prepare, or the first use.
func New(c Config, scope delegation.Name, _ dns01.Environment) (dns01.Provider, error) {
	account, err := web.NewTokenAccount(cmp.Or(c.URL, "https://api.digitalocean.com/v2"), "", "Bearer", c.Token)
	if err != nil {
		return nil, err
	}
	s := &service{account}
	return &provider{hosted.New("digitalocean", scope, account, s.open), s}, nil
}
