package cloudflare

import (
	"fmt"

	"certctl/delegation"
	"certctl/dns01"
)

// Policies implements dns01.PolicyWriter: a token for one zone.
func (p *provider) Policies(zone delegation.Name, _ []delegation.Name) []dns01.Policy {
	return []dns01.Policy{{
		Kind: "cloudflare", Server: "Cloudflare",
		Text: fmt.Sprintf(`# A token for zone %[1]s and no other. $ZONE_ID is on the zone's overview page,
# $ADDRESS is that of the host that runs certctl, $TOKEN one that may create tokens.
# In the dashboard: My Profile, API Tokens, Create Custom Token, Zone DNS Edit and
# Zone Zone Read, Include Specific zone %[1]s. With zone_id: in the
# configuration Zone Read is not needed.
curl -sS https://api.cloudflare.com/client/v4/user/tokens \
    -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" --data '{
  "name": "certctl %[1]s",
  "policies": [{
    "effect": "allow",
    "resources": {"com.cloudflare.api.account.zone.'"$ZONE_ID"'": "*"},
    "permission_groups": [
      {"id": "%[2]s", "name": "DNS Write"},
      {"id": "%[3]s", "name": "Zone Read"}
    ]
  }],
  "condition": {"request_ip": {"in": ["'"$ADDRESS"'"]}}
}'
`, zone.Bare(), dnsWrite, zoneRead),
		Excess: fmt.Sprintf("the token may write every record of zone %s: Cloudflare knows nothing narrower than a zone, so keep nothing else in it", zone.Bare()),
	}}
}

// The ids of permission groups, which are the same for everybody.
const (
	dnsWrite = "4755a26eedb94da69e1066d98aa820be"
	zoneRead = "c8fed203ed3043cba015a93ad1616f1f"
)
