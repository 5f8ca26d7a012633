package porkbun

import (
	"cmp"
	"errors"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/hosted"
	"certctl/dns01/web"
	"certctl/secret"
)

// Config is an entry of zones: with provider: porkbun.
type Config struct {
	// APIKey is the API key of the account, pk1_….
	APIKey secret.Secret `yaml:"api_key" required:"true"`

	// SecretAPIKey is the secret API key that belongs to it, sk1_….
	SecretAPIKey secret.Secret `yaml:"secret_api_key" required:"true"`

	// URL is where the API is.
	URL string `yaml:"url,omitempty" default:"https://api.porkbun.com/api/json/v3"`
}

// provider is a dns01.Provider.
type provider struct {
	*hosted.Provider
	service *service
}

// New returns a provider that writes within a scope. It reads no secret: that is
// for Prepare, or the first use.
func New(c Config, scope delegation.Name, _ dns01.Environment) (dns01.Provider, error) {
	if c.APIKey.IsZero() || c.SecretAPIKey.IsZero() {
		return nil, errors.New("api_key and secret_api_key come together")
	}
	client, err := web.NewClient(cmp.Or(c.URL, "https://api.porkbun.com/api/json/v3"), "", 0)
	if err != nil {
		return nil, err
	}
	keys := map[string]secret.Secret{"api_key": c.APIKey, "secret_api_key": c.SecretAPIKey}
	s := &service{web.NewAccount(client, keys, sign)}
	return &provider{hosted.New("porkbun", scope, s.account, s.open), s}, nil
}
