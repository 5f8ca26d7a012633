package desec

import (
	"fmt"
	"slices"
	"strings"

	"certctl/delegation"
	"certctl/dns01"
)

// Policies implements dns01.PolicyWriter: a token, and its policies for exactly
// the names.
func (p *provider) Policies(zone delegation.Name, owners []delegation.Name) []dns01.Policy {
	var b strings.Builder
	fmt.Fprintf(&b, `# $TOKEN is one that may manage tokens, $ADDRESS that of the host that runs certctl.
# The first command prints the new token, for certctl, and its id, for what follows.
api=%s/auth/tokens
desec() { curl -sS -H "Authorization: Token $TOKEN" -H "Content-Type: application/json" "$@"; }
desec $api/ --data '{"name": "certctl %s", "allowed_subnets": ["'"$ADDRESS"'"]}'

# Nothing is allowed, but the TXT records at these names.
desec $api/$ID/policies/rrsets/ --data '{"domain": null, "subname": null, "type": null}'
`, strings.TrimSuffix(p.url, "/"), zone.Bare())
	owners = slices.Clone(owners)
	slices.Sort(owners)
	for _, owner := range slices.Compact(owners) {
		subname := strings.TrimPrefix(owner.Relative(zone), "@")
		fmt.Fprintf(&b, "desec $api/$ID/policies/rrsets/ --data '{\"domain\": %q, \"subname\": %q, \"type\": \"TXT\", \"perm_write\": true}'\n", zone.Bare(), subname)
	}
	return []dns01.Policy{{
		Kind: "desec", Server: "deSEC", Text: b.String(),
		Excess: "the token may read all domains of the account, which no policy forbids",
	}}
}
