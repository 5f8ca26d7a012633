package azure

import (
	"fmt"
	"slices"
	"strings"

	"certctl/delegation"
	"certctl/dns01"
)

// Policies implements dns01.PolicyWriter: a role that is assigned for single
// record sets, which have to be there.
func (p *provider) Policies(zone delegation.Name, owners []delegation.Name) []dns01.Policy {
	var b strings.Builder
	fmt.Fprintf(&b, `# The role, made once. It has no right to delete: the record sets stay.
az role definition create --role-definition '{
  "Name": "certctl",
  "Description": "writes validation records",
  "Actions": ["Microsoft.Network/dnsZones/TXT/read", "Microsoft.Network/dnsZones/TXT/write"],
  "AssignableScopes": ["%s"]
}'
# For each name a record set that is there already. $CLIENT is the client's id.
`, p.group())
	owners = slices.Clone(owners)
	slices.Sort(owners)
	for _, o := range slices.Compact(owners) {
		name := o.Relative(zone)
		fmt.Fprintf(&b, `az network dns record-set txt add-record -g %s -z %s -n %s -v -
az role assignment create --assignee "$CLIENT" --role certctl \
    --scope %s/providers/Microsoft.Network/dnsZones/%s/TXT/%s
`, p.config.ResourceGroup, zone.Bare(), name, p.group(), zone.Bare(), name)
	}
	return []dns01.Policy{{Kind: "azure", Server: "Azure DNS", Text: b.String()}}
}
