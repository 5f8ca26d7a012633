package powerdns

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/hosted"
	"certctl/dns01/web"
	"certctl/secret"
)

// Config is an entry of zones: with provider: powerdns. For secondaries to see
// a change, the zone needs SOA-EDIT-API (pdnsutil set-meta ZONE SOA-EDIT-API
// DEFAULT), unless it was made over the API.
type Config struct {
	// URL is where the API is, such as https://ns1.example.net:8081, without
	// /api/v1. It must be https, except on this host itself.
	URL string `yaml:"url" required:"true"`

	// APIKey is what the server has as api-key.
	APIKey secret.Secret `yaml:"api_key" required:"true"`

	// ServerID is the server's name in the API, which a proxy may change.
	ServerID string `yaml:"server_id,omitempty" default:"localhost"`

	// CAFile has the roots for the server's TLS, in PEM. Default: the system's.
	CAFile secret.Path `yaml:"ca_file,omitempty"`

	// Timeout is how long the server may take to answer a request. Default: 30s.
	Timeout time.Duration `yaml:"timeout,omitempty"`
}

// provider is a dns01.Provider.
type provider struct {
	*hosted.Provider
	service *service
}

// New returns a provider that writes within a scope. It reads no secret: that is
// for Prepare, or the first use.
func New(c Config, scope delegation.Name, _ dns01.Environment) (dns01.Provider, error) {
	if c.APIKey.IsZero() {
		return nil, errors.New("api_key: it is missing")
	}
	c.ServerID = cmp.Or(c.ServerID, "localhost")
	if c.ServerID != url.PathEscape(c.ServerID) {
		return nil, fmt.Errorf("server_id: %q is not the name of a server", c.ServerID)
	}
	client, err := web.NewClient(c.URL, string(c.CAFile), c.Timeout)
	if err != nil {
		return nil, err
	}
	account := web.NewAccount(client, map[string]secret.Secret{"api_key": c.APIKey}, sign)
	s := &service{account: account, id: c.ServerID}
	return &provider{hosted.New("powerdns "+client.Server(), scope, account, s.open), s}, nil
}

// sign implements web.Signer.
func sign(r *web.Request, keys map[string]string) {
	r.Header = http.Header{"X-Api-Key": {keys["api_key"]}}
}
