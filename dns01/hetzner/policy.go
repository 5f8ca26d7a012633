package hetzner

import (
	"fmt"

	"certctl/delegation"
	"certctl/dns01"
)

// Policies implements dns01.PolicyWriter: where to make a token.
func (p *provider) Policies(zone delegation.Name, _ []delegation.Name) []dns01.Policy {
	return []dns01.Policy{{
		Kind: "hetzner", Server: "Hetzner",
		Text: fmt.Sprintf(`# In the Hetzner Console: a new project that has zone %s and nothing else; in it
# Security, API tokens, Generate API token:
Read & Write
`, zone.Bare()),
		Excess: "the token may write everything in its project: zones, servers and all else. Hetzner knows nothing narrower, so keep nothing else in it",
	}}
}
