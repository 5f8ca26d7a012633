package powerdns

import (
	"fmt"

	"certctl/delegation"
	"certctl/dns01"
)

// Policies implements dns01.PolicyWriter: how to keep others from the API.
func (p *provider) Policies(zone delegation.Name, _ []delegation.Name) []dns01.Policy {
	return []dns01.Policy{{
		Kind: "powerdns-api", Server: "PowerDNS (HTTP API)",
		Text: fmt.Sprintf(`# In pdns.conf, with a key of its own and the address of the host that runs certctl,
# the server having zone %[1]s and no other:
#   webserver=yes
#   api=yes
#   api-key=$KEY
#   webserver-allow-from=$ADDRESS
# Secondaries see a change only if the zone's serial is raised with it:
pdnsutil set-meta %[1]s SOA-EDIT-API DEFAULT
`, zone.Bare()),
		Excess: "the key may do everything on the server, with all its zones: the API knows nothing narrower. A TSIG key, with provider rfc2136, is for one zone",
	}}
}
