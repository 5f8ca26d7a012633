package google

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/hosted"
	"certctl/dns01/rrset"
	"certctl/dns01/token"
	"certctl/dns01/txt"
	"certctl/dns01/web"
	"certctl/secret"
)

// Config is an entry of zones: with provider: google.
type Config struct {
	// Project is the id of the project that has the zone. Default: the key's.
	Project string `yaml:"project,omitempty"`

	// ManagedZone is the name of the zone in the project. Default: that of the
	// public zone with the zone's DNS name, which only a key that may list all
	// zones finds.
	ManagedZone string `yaml:"managed_zone,omitempty"`

	// Key is the JSON text of a file with credentials, mostly {file: key.json}.
	// Default: what Google's tools find in $GOOGLE_APPLICATION_CREDENTIALS,
	// in gcloud's files, or at the machine.
	Key secret.Secret `yaml:"key,omitempty"`

	// Endpoint is the URL of the API. Default: https://dns.googleapis.com.
	Endpoint string `yaml:"endpoint,omitempty"`

	// CAFile has the roots for the service's TLS, in PEM. Default: the system's.
	CAFile secret.Path `yaml:"ca_file,omitempty"`

	// Timeout is how long the service may take to answer a request. Default: 30s.
	Timeout time.Duration `yaml:"timeout,omitempty"`
}

var (
	projectID = regexp.MustCompile(`^[a-z0-9.:-]+$`)
	zoneName  = regexp.MustCompile(`^[a-z0-9-]+$`)
)

// New returns a provider that writes within a scope. It reads no secret: that is
// for Prepare, or the first use.
func New(c Config, scope delegation.Name, env dns01.Environment) (dns01.Provider, error) {
	switch {
	case c.Project != "" && !projectID.MatchString(c.Project):
		return nil, fmt.Errorf("project: %q is not the id of one", c.Project)
	case c.ManagedZone != "" && !zoneName.MatchString(c.ManagedZone):
		return nil, fmt.Errorf("managed_zone: %q is not a zone's name in a project, like my-zone", c.ManagedZone)
	}
	client, err := web.NewClient(cmp.Or(c.Endpoint, "https://dns.googleapis.com"), string(c.CAFile), c.Timeout)
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	k := &keys{config: c, env: env}
	p := &provider{config: c, scope: scope, keys: k, account: &token.Account{Client: client, Source: token.NewSource(k.token)}}
	label := "google"
	if c.Project != "" {
		label += " " + c.Project
	}
	p.Provider = hosted.New(label, scope, p.account, p.open)
	return p, nil
}

// provider is a dns01.Provider.
type provider struct {
	*hosted.Provider
	config  Config
	scope   delegation.Name
	account *token.Account
	keys    *keys
}

// open returns the editor of a zone. Google takes 1000 additions and 1000
// deletions in one change.
func (p *provider) open(ctx context.Context, name delegation.Name) (hosted.Editor, error) {
	if err := p.Prepare(ctx); err != nil {
		return nil, err
	}
	project := cmp.Or(p.config.Project, p.keys.project)
	if project == "" {
		return nil, &ProjectError{}
	}
	z := &zone{provider: p, project: project, name: p.config.ManagedZone}
	if z.name == "" {
		var err error
		if z.name, err = z.lookUp(ctx, name); err != nil {
			return nil, err
		}
	}
	return &rrset.Editor{Service: z, Quote: txt.Quote, Unquote: txt.Unquote, Most: 200}, nil
}

// ProjectError says that nobody knows the project.
type ProjectError struct{}

func (*ProjectError) Error() string { return "neither the configuration nor the key names a project" }

// Hint says what to do.
func (*ProjectError) Hint() string { return "set project: to the id of the project that has the zone" }
