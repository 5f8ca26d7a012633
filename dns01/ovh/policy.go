package ovh

import (
	"fmt"
	"strings"

	"certctl/delegation"
	"certctl/dns01"
)

// rule is what a consumer key may do: * in the path stands for anything.
type rule struct {
	Method string `json:"method"`
	Path   string `json:"path"`
}

// rules returns what is needed for a zone.
func rules(zone string) []rule {
	base := "/domain/zone/" + zone
	return []rule{
		{"GET", base + "/record"}, {"GET", base + "/record/*"}, {"POST", base + "/record"},
		{"DELETE", base + "/record/*"}, {"POST", base + "/refresh"},
	}
}

// Policies implements dns01.PolicyWriter.
func (p *provider) Policies(zone delegation.Name, _ []delegation.Name) []dns01.Policy {
	var lines []string
	for _, r := range rules(zone.Bare()) {
		lines = append(lines, fmt.Sprintf(`    {"method": %q, "path": %q}`, r.Method, r.Path))
	}
	text := fmt.Sprintf(`# $APPLICATION is the application's key. The answer has the consumer key, and a URL
# where the owner of the account allows it; $ADDRESS is that of the host that runs
# certctl.
curl -sS %s/auth/credential \
    -H "X-Ovh-Application: $APPLICATION" -H "Content-Type: application/json" --data '{
  "allowedIPs": ["'"$ADDRESS"'/32"],
  "accessRules": [
%s
  ]
}'
`, p.service.client.Server()+"/1.0", strings.Join(lines, ",\n"))
	return []dns01.Policy{{
		Kind: "ovh", Server: "OVHcloud", Text: text,
		Excess: fmt.Sprintf("the key may write every record of zone %s: OVHcloud knows nothing narrower than a zone, so keep nothing else in it", zone.Bare()),
	}}
}
