package linode

import (
	"cmp"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/hosted"
	"certctl/dns01/web"
	"certctl/secret"
)

// Config is an entry of zones: with provider: linode.
type Config struct {
	// Token is a personal access token with the scope domains:read_write, and no
	// others.
	Token secret.Secret `yaml:"token" required:"true"`

	// ZoneID is the number of the domain. Default: it is looked up by name.
	ZoneID int `yaml:"zone_id,omitempty"`

	// URL is where the API is.
	URL string `yaml:"url,omitempty" default:"https://api.linode.com/v4"`
}

// provider is a dns01.Provider.
type provider struct {
	*hosted.Provider
	service *service
}

// New returns a provider that writes within a scope. It reads no secret: that is
// for Prepare, or the first use.
func New(c Config, scope delegation.Name, _ dns01.Environment) (dns01.Provider, error) {
	account, err := web.NewTokenAccount(cmp.Or(c.URL, "https://api.linode.com/v4"), "", "Bearer", c.Token)
	if err != nil {
		return nil, err
	}
	s := &service{account, c.ZoneID}
	return &provider{hosted.New("linode", scope, account, s.open), s}, nil
}
