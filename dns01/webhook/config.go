package webhook

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/web"
	"certctl/secret"
)

// Config is an entry of zones: with provider: webhook.
type Config struct {
	// URL is where the service has /present and /cleanup. It must be https,
	// except on this host itself.
	URL string `yaml:"url" required:"true"`

	// Mode is httpreq (the default), for services that lego's httpreq can use,
	// one record a request; or certctl, all records of a zone in one request.
	Mode string `yaml:"mode,omitempty" default:"httpreq"`

	// Username is for basic authentication, with password.
	Username string `yaml:"username,omitempty"`

	// Password is for basic authentication, with username.
	Password secret.Secret `yaml:"password,omitempty"`

	// Token is for bearer authentication, instead of username and password.
	Token secret.Secret `yaml:"token,omitempty"`

	// CAFile has the roots for the service's TLS, in PEM. Default: the system's.
	CAFile secret.Path `yaml:"ca_file,omitempty"`

	// Timeout is how long the service may take to answer a request. Default: 30s.
	Timeout time.Duration `yaml:"timeout,omitempty"`
}

// The modes.
const (
	httpreq = "httpreq"
	certctl = "certctl"
)

// New returns a provider that writes within a scope. It reads no secret: that is
// for Prepare, or the first use.
func New(c Config, scope delegation.Name, _ dns01.Environment) (dns01.Provider, error) {
	c.Mode = cmp.Or(c.Mode, httpreq)
	if err := c.check(); err != nil {
		return nil, err
	}
	client, err := web.NewClient(c.URL, string(c.CAFile), c.Timeout)
	if err != nil {
		return nil, err
	}
	return &provider{scope: scope, config: c, client: client}, nil
}

func (c Config) check() error {
	basic := c.Username != "" || !c.Password.IsZero()
	switch {
	case strings.EqualFold(c.Mode, "raw"):
		return errors.New("mode: RAW cannot be served: it wants the token and the key authorization, and only the value is known here; httpreq is what the same services take by default")
	case c.Mode != httpreq && c.Mode != certctl:
		return fmt.Errorf("mode: %q is none of httpreq, certctl", c.Mode)
	case basic && !c.Token.IsZero():
		return errors.New("token: there is a username or password too, and only one of the two is used")
	case basic && (c.Username == "" || c.Password.IsZero()):
		return errors.New("username and password come together")
	case strings.Contains(c.Username, ":"):
		return errors.New("username: a colon cannot be in it (RFC 7617 §2)")
	}
	return nil
}
