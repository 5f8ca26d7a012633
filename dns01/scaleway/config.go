package scaleway

import (
	"cmp"
	"errors"
	"strings"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/hosted"
	"certctl/dns01/web"
	"certctl/secret"
)

// Config is an entry of zones: with provider: scaleway.
type Config struct {
	// SecretKey is the secret of an API key. It should be of an application that
	// may manage the DNS of one project and nothing else.
	SecretKey secret.Secret `yaml:"secret_key" required:"true"`

	// URL is where the API is.
	URL string `yaml:"url,omitempty" default:"https://api.scaleway.com/domain/v2beta1"`
}

// provider is a dns01.Provider.
type provider struct{ *hosted.Provider }

// New returns a provider that writes within a scope. It reads no secret: that is
// for Prepare, or the first use.
func New(c Config, scope delegation.Name, _ dns01.Environment) (dns01.Provider, error) {
	if c.SecretKey.IsZero() {
		return nil, errors.New("secret_key: it is missing")
	}
	client, err := web.NewClient(cmp.Or(c.URL, "https://api.scaleway.com/domain/v2beta1"), "", 0)
	if err != nil {
		return nil, err
	}
	account := web.NewAccount(client, map[string]secret.Secret{"secret_key": c.SecretKey}, func(r *web.Request, keys map[string]string) {
		r.Header.Set("X-Auth-Token", keys["secret_key"])
	})
	s := &service{account}
	return &provider{hosted.New("scaleway", scope, account, s.open)}, nil
}

// Policies implements dns01.PolicyWriter.
func (p *provider) Policies(zone delegation.Name, _ []delegation.Name) []dns01.Policy {
	return []dns01.Policy{{
		Kind: "scaleway", Server: "Scaleway",
		Text: strings.ReplaceAll(`# An application of its own, for a project that has ZONE and no other zone.
# $ORGANIZATION and $PROJECT are ids; the last command prints the secret key.
scw iam application create name=certctl-ZONE organization-id="$ORGANIZATION"
scw iam policy create name=certctl-ZONE application-id="$APPLICATION" \
    rules.0.permission-set-names.0=DomainsDNSFullAccess rules.0.project-ids.0="$PROJECT"
scw iam api-key create application-id="$APPLICATION" description=certctl
`, "ZONE", zone.Bare()),
		Excess: "the key may write every record of every zone in the project: Scaleway knows nothing narrower than a project",
	}}
}
