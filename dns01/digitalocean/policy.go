package digitalocean

import (
	"fmt"

	"certctl/delegation"
	"certctl/dns01"
)

// Policies implements dns01.PolicyWriter: the scopes of a token.
func (p *provider) Policies(zone delegation.Name, _ []delegation.Name) []dns01.Policy {
	return []dns01.Policy{{
		Kind: "digitalocean", Server: "DigitalOcean",
		Text: `# In the control panel, as a member of a team that has no other domains and nothing
# else: API, Tokens, Generate New Token, an expiration, Custom Scopes, and of these
domain:read
domain:create
domain:delete
`,
		Excess: fmt.Sprintf("the token may write every domain of the team, not %s alone: DigitalOcean knows nothing narrower, so keep the domain in a team of its own", zone.Bare()),
	}}
}
