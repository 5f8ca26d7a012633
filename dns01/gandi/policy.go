package gandi

import (
	"fmt"

	"certctl/delegation"
	"certctl/dns01"
)

// Policies implements dns01.PolicyWriter: what to choose for a token.
func (p *provider) Policies(zone delegation.Name, _ []delegation.Name) []dns01.Policy {
	return []dns01.Policy{{
		Kind: "gandi", Server: "Gandi LiveDNS",
		Text: fmt.Sprintf(`# In the organization that has %[1]s: User settings, Personal Access Tokens, Create
# a token, an expiration; Restrict to selected products: %[1]s; and of all permissions
Manage domain name technical configurations
# which asks for
See and renew domain names
`, zone.Bare()),
		Excess: fmt.Sprintf("the token may write every record of %[1]s, change its name servers and renew it: Gandi knows nothing narrower than a domain, so keep nothing else in it", zone.Bare()),
	}}
}
