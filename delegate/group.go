package delegate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"certctl/delegation"
)

// group is the records that go into one zone. Where the zone of a domain is not
// known, the domain has a group of its own.
type group struct {
	zone    delegation.Name // "": not known
	domain  string          // the first
	names   []string
	primary netip.AddrPort
	records []Record
}

func (p *Plan) groups() []*group {
	var groups []*group
	for _, d := range p.Delegations {
		i := slices.IndexFunc(groups, func(g *group) bool { return d.Zone != "" && g.zone == d.Zone })
		if i < 0 {
			i = len(groups)
			groups = append(groups, &group{zone: d.Zone, domain: d.Domain, primary: d.Primary})
		}
		g := groups[i]
		g.names = append(g.names, d.Names...)
		for _, r := range p.RecordsFor(d) {
			if !slices.Contains(g.records, r) {
				g.records = append(g.records, r)
			}
		}
	}
	return groups
}

// title says which zone it is.
func (g *group) title() string {
	names := strings.Join(g.names, ", ")
	if g.zone == "" {
		return "the zone that " + g.domain + " is in: for " + names
	}
	return fmt.Sprintf("zone %s: for %s", g.zone.Bare(), names)
}
