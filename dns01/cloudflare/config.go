package cloudflare

import (
	"cmp"
	"fmt"
	"net/url"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/hosted"
	"certctl/dns01/web"
	"certctl/secret"
)

// Config is an entry of zones: with provider: cloudflare.
type Config struct {
	// Token is an API token that may write the DNS of the zone, and of no other.
	// The global API key is not accepted.
	Token secret.Secret `yaml:"token" required:"true"`

	// ZoneID is the zone's id, from the overview of the zone. Default: it is
	// looked up by name, for which the token needs to read zones.
	ZoneID string `yaml:"zone_id,omitempty"`

	// URL is where the API is.
	URL string `yaml:"url,omitempty" default:"https://api.cloudflare.com/client/v4"`
}

// provider is a dns01.Provider.
type provider struct {
	*hosted.Provider
	service *service
}

// New returns a provider that writes within a scope. It reads no secret: that is
// for Prepare, or the first use.
func New(c Config, scope delegation.Name, _ dns01.Environment) (dns01.Provider, error) {
	account, err := web.NewTokenAccount(cmp.Or(c.URL, "https://api.cloudflare.com/client/v4"), "", "Bearer", c.Token)
	if err != nil {
		return nil, err
	}
	if c.ZoneID != url.PathEscape(c.ZoneID) {
		return nil, fmt.Errorf("zone_id: %q is not the id of a zone", c.ZoneID)
	}
	s := &service{account: account, zoneID: c.ZoneID}
	return &provider{hosted.New("cloudflare", scope, account, s.open), s}, nil
}
