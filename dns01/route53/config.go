package route53

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/guard"
	"certctl/dns01/hosted"
	"certctl/dns01/web"
	"certctl/secret"
)

// Config is an entry of zones: with provider: route53.
type Config struct {
	// ZoneID is the hosted zone, like Z0123456789ABCDEFGHIJ. Default: the public
	// one with the zone's name, which only a key that may list all zones finds.
	ZoneID string `yaml:"zone_id,omitempty"`

	// AccessKeyID is the key's name, with secret_access_key. Default: what
	// Amazon's tools find in the environment, the shared files, the container
	// or the machine.
	AccessKeyID string `yaml:"access_key_id,omitempty"`

	// SecretAccessKey is the key itself.
	SecretAccessKey secret.Secret `yaml:"secret_access_key,omitempty"`

	// SessionToken belongs to a temporary key.
	SessionToken secret.Secret `yaml:"session_token,omitempty"`

	// Profile is the section of the shared files. Default: $AWS_PROFILE, default.
	Profile string `yaml:"profile,omitempty"`

	// RoleARN is a role to assume with that key.
	RoleARN string `yaml:"role_arn,omitempty"`

	// ExternalID is what the role's owner wants to be told.
	ExternalID string `yaml:"external_id,omitempty"`

	// Region is what signatures are made for. Default: us-east-1.
	Region string `yaml:"region,omitempty"`

	// Endpoint is the URL of the API. Default: https://route53.amazonaws.com.
	Endpoint string `yaml:"endpoint,omitempty"`

	// CAFile has the roots for the service's TLS, in PEM. Default: the system's.
	CAFile secret.Path `yaml:"ca_file,omitempty"`

	// Timeout is how long the service may take to answer a request. Default: 30s.
	Timeout time.Duration `yaml:"timeout,omitempty"`
}

var zoneID = regexp.MustCompile(`^(/hostedzone/)?[A-Z0-9]{1,32}$`)

// New returns a provider that writes within a scope. It reads no secret: that is
// for Prepare, or the first use.
func New(c Config, scope delegation.Name, env dns01.Environment) (dns01.Provider, error) {
	c.Region = cmp.Or(c.Region, "us-east-1")
	static := c.AccessKeyID != ""
	switch {
	case c.ZoneID != "" && !zoneID.MatchString(c.ZoneID):
		return nil, fmt.Errorf("zone_id: %q is none, like Z0123456789ABCDEFGHIJ", c.ZoneID)
	case static == c.SecretAccessKey.IsZero():
		return nil, errors.New("access_key_id and secret_access_key come together")
	case static && c.Profile != "":
		return nil, errors.New("profile: there is an access_key_id too, and only one of the two is used")
	case !static && !c.SessionToken.IsZero():
		return nil, errors.New("session_token: there is no access_key_id that it belongs to")
	case c.ExternalID != "" && c.RoleARN == "":
		return nil, errors.New("external_id: there is no role_arn to use it for")
	}
	client, err := web.NewClient(cmp.Or(c.Endpoint, "https://route53.amazonaws.com"), string(c.CAFile), c.Timeout)
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	p := &provider{config: c, client: client, env: env, scope: scope}
	p.keys = &keyring{find: sources(c, env), turn: guard.NewTurn()}
	p.Provider = hosted.New(c.label(), scope, p.keys, p.open)
	return p, nil
}

// provider is a dns01.Provider.
type provider struct {
	*hosted.Provider
	config Config
	client *web.Client
	keys   *keyring
	env    dns01.Environment
	scope  delegation.Name
}

// label returns how the user knows a key.
func (c Config) label() string {
	who := cmp.Or(c.RoleARN, c.AccessKeyID, c.Profile)
	if who == "" {
		return "route53"
	}
	return "route53 " + who
}
