package porkbun

import (
	"fmt"

	"certctl/delegation"
	"certctl/dns01"
)

// Policies implements dns01.PolicyWriter: which domains to open.
func (p *provider) Policies(zone delegation.Name, _ []delegation.Name) []dns01.Policy {
	return []dns01.Policy{{
		Kind: "porkbun", Server: "Porkbun",
		Text: fmt.Sprintf(`# In the account's Domain Management: Details of %[1]s, API Access on; and off
# for every other domain. Then Account, API Access, Create API Key; and at its gear,
# that it is for the domain %[1]s and the address of the host that runs certctl.
`, zone.Bare()),
		Excess: fmt.Sprintf("the keys may do everything with %s, also change its name servers: Porkbun knows nothing narrower, so lead _acme-challenge to another service where you can", zone.Bare()),
	}}
}
