package ns1

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/hosted"
	"certctl/dns01/web"
	"certctl/secret"
)

// Config is an entry of zones: with provider: ns1.
type Config struct {
	// Key is an API key. It should be allowed to write the TXT records within
	// this entry's scope and nothing else.
	Key secret.Secret `yaml:"key" required:"true"`

	// URL is where the API is.
	URL string `yaml:"url,omitempty" default:"https://api.nsone.net/v1"`
}

// provider is a dns01.Provider.
type provider struct {
	*hosted.Provider
	account *web.Account
	scope   delegation.Name
}

// New returns a provider that writes within a scope. It reads no secret: that is
// for Prepare, or the first use.
func New(c Config, scope delegation.Name, _ dns01.Environment) (dns01.Provider, error) {
	if c.Key.IsZero() {
		return nil, errors.New("key: it is missing")
	}
	client, err := web.NewClient(cmp.Or(c.URL, "https://api.nsone.net/v1"), "", 0)
	if err != nil {
		return nil, err
	}
	account := web.NewAccount(client, map[string]secret.Secret{"key": c.Key}, func(r *web.Request, keys map[string]string) {
		r.Header.Set("X-NSONE-Key", keys["key"])
	})
	p := &provider{account: account, scope: scope}
	p.Provider = hosted.New("ns1", scope, account, p.open)
	return p, nil
}

// allowed is a record that a key may write.
type allowed struct {
	Zone              string `json:"zone"`
	Domain            string `json:"domain"`
	IncludeSubdomains bool   `json:"include_subdomains"`
	Type              string `json:"type"`
}

// permissions is what a key may do with DNS.
type permissions struct {
	ViewZones      bool      `json:"view_zones"`
	ManageZones    bool      `json:"manage_zones"`
	AllowByDefault bool      `json:"zones_allow_by_default"`
	RecordsAllow   []allowed `json:"records_allow"`
}

// Policies implements dns01.PolicyWriter.
func (p *provider) Policies(zone delegation.Name, owners []delegation.Name) []dns01.Policy {
	owners = slices.Clone(owners)
	slices.Sort(owners)
	rights := permissions{ManageZones: true}
	for _, o := range slices.Compact(owners) {
		rights.RecordsAllow = append(rights.RecordsAllow, allowed{zone.Bare(), o.Bare(), false, "TXT"})
	}
	text, _ := json.MarshalIndent(map[string]any{
		"name": "certctl " + zone.Bare(), "ip_whitelist": []string{"ADDRESS"},
		"permissions": map[string]any{"dns": rights},
	}, "", "  ")
	return []dns01.Policy{{
		Kind: "ns1", Server: "NS1",
		Text: fmt.Sprintf(`# A key for these records only. ADDRESS is that of the host that runs certctl, $KEY
# one that may manage keys; the answer has the new one.
curl -sS %s/v1/account/apikeys -X PUT -H "X-NSONE-Key: $KEY" --data '%s'
`, p.account.Server(), text),
	}}
}

// Verifies implements dns01.Verifier: sets that were replaced are read again.
func (p *provider) Verifies() {}
