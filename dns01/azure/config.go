package azure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/hosted"
	"certctl/dns01/rrset"
	"certctl/dns01/token"
	"certctl/dns01/web"
	"certctl/secret"
)

// Config is an entry of zones: with provider: azure.
type Config struct {
	// SubscriptionID is the subscription that has the zone. Default:
	// $AZURE_SUBSCRIPTION_ID.
	SubscriptionID string `yaml:"subscription_id,omitempty"`

	// ResourceGroup is the resource group that has the zone. Default:
	// $AZURE_RESOURCE_GROUP.
	ResourceGroup string `yaml:"resource_group,omitempty"`

	// TenantID is the directory that the client is registered in. Default:
	// $AZURE_TENANT_ID.
	TenantID string `yaml:"tenant_id,omitempty"`

	// ClientID is the application, or the user-assigned identity of the machine.
	// Default: $AZURE_CLIENT_ID.
	ClientID string `yaml:"client_id,omitempty"`

	// ClientSecret is the application's. Default: $AZURE_CLIENT_SECRET; else the
	// token in $AZURE_FEDERATED_TOKEN_FILE; else the machine's identity.
	ClientSecret secret.Secret `yaml:"client_secret,omitempty"`

	// Endpoint is the URL of the API. Default: https://management.azure.com.
	Endpoint string `yaml:"endpoint,omitempty"`

	// Authority is the URL that gives tokens. Default: $AZURE_AUTHORITY_HOST,
	// https://login.microsoftonline.com.
	Authority string `yaml:"authority,omitempty"`

	// CAFile has the roots for the services' TLS, in PEM. Default: the system's.
	CAFile secret.Path `yaml:"ca_file,omitempty"`

	// Timeout is how long the service may take to answer a request. Default: 30s.
	Timeout time.Duration `yaml:"timeout,omitempty"`
}

const management = "https://management.azure.com"

var (
	uuid  = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	group = regexp.MustCompile(`^[-\w.()]{1,90}$`)
)

// New returns a provider that writes within a scope. It reads no secret: that is
// for Prepare, or the first use.
func New(c Config, scope delegation.Name, env dns01.Environment) (dns01.Provider, error) {
	c.SubscriptionID = cmp.Or(c.SubscriptionID, env.Variable("AZURE_SUBSCRIPTION_ID"))
	c.ResourceGroup = cmp.Or(c.ResourceGroup, env.Variable("AZURE_RESOURCE_GROUP"))
	c.TenantID = cmp.Or(c.TenantID, env.Variable("AZURE_TENANT_ID"))
	c.ClientID = cmp.Or(c.ClientID, env.Variable("AZURE_CLIENT_ID"))
	if err := c.check(); err != nil {
		return nil, err
	}
	client, err := web.NewClient(cmp.Or(c.Endpoint, management), string(c.CAFile), c.Timeout)
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	k := &keys{config: c, env: env}
	p := &provider{config: c, scope: scope, account: &token.Account{Client: client, Source: token.NewSource(k.token)}}
	p.Provider = hosted.New("azure "+c.ResourceGroup, scope, p.account, p.open)
	return p, nil
}

func (c Config) check() error {
	switch {
	case c.SubscriptionID == "":
		return errors.New("subscription_id: it is missing")
	case !uuid.MatchString(c.SubscriptionID):
		return fmt.Errorf("subscription_id: %q is none, like 00000000-0000-0000-0000-000000000000", c.SubscriptionID)
	case c.ResourceGroup == "":
		return errors.New("resource_group: it is missing")
	case !group.MatchString(c.ResourceGroup):
		return fmt.Errorf("resource_group: %q cannot be the name of one", c.ResourceGroup)
	case !c.ClientSecret.IsZero() && (c.ClientID == "" || c.TenantID == ""):
		return errors.New("client_secret: tenant_id and client_id belong to it")
	}
	return nil
}

// provider is a dns01.Provider.
type provider struct {
	*hosted.Provider
	config  Config
	scope   delegation.Name
	account *token.Account
}

// open returns the editor of a zone. There is one request a record set.
func (p *provider) open(_ context.Context, name delegation.Name) (hosted.Editor, error) {
	return &rrset.Editor{Service: &zone{p, name}, Quote: quote, Unquote: unquote, Most: 1, Wide: 8}, nil
}
