package linode

import (
	"fmt"

	"certctl/delegation"
	"certctl/dns01"
)

// Policies implements dns01.PolicyWriter: the scope of a token.
func (p *provider) Policies(zone delegation.Name, _ []delegation.Name) []dns01.Policy {
	return []dns01.Policy{{
		Kind: "linode", Server: "Linode",
		Text: `# As a restricted user of the account that is granted this domain only, with $TOKEN
# one that may create tokens; or in Cloud Manager: API Tokens, Domains Read/Write, No
# Access for all else.
curl -sS https://api.linode.com/v4/profile/tokens \
    -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
    --data '{"label": "certctl", "scopes": "domains:read_write", "expiry": "'"$EXPIRY"'"}'
`,
		Excess: fmt.Sprintf("the token may write every domain that its user may, and every record of %s: Linode knows nothing narrower", zone.Bare()),
	}}
}
