package hetzner

import (
	"cmp"
	"context"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/hosted"
	"certctl/dns01/web"
	"certctl/secret"
)

// Config is an entry of zones: with provider: hetzner.
type Config struct {
	// Token is an API token of the project that has the zone, with permission to
	// read and write.
	Token secret.Secret `yaml:"token" required:"true"`

	// URL is where the API is.
	URL string `yaml:"url,omitempty" default:"https://api.hetzner.cloud/v1"`
}

// provider is a dns01.Provider.
type provider struct {
	*hosted.Provider
	service *service
}

// New returns a provider that writes within a scope. It reads no secret: that is
// for Prepare, or the first use.
func New(c Config, scope delegation.Name, _ dns01.Environment) (dns01.Provider, error) {
	account, err := web.NewTokenAccount(cmp.Or(c.URL, "https://api.hetzner.cloud/v1"), "", "Bearer", c.Token)
	if err != nil {
		return nil, err
	}
	s := &service{account}
	return &provider{hosted.New("hetzner", scope, account, s.open), s}, nil
}

// WaitStatus implements dns01.StatusWaiter.
func (p *provider) WaitStatus(ctx context.Context, zone delegation.Name) error {
	e, err := p.Editor(ctx, zone)
	if err != nil {
		return err
	}
	z := e.(*editor).zone
	return z.running.Await(ctx, 100*time.Millisecond, 2*time.Second, z.ask)
}
