package rfc2136

import (
	"fmt"
	"slices"
	"strings"

	"certctl/delegation"
	"certctl/dns01"
)

// Policies implements dns01.PolicyWriter.
func (p *provider) Policies(zone delegation.Name, owners []delegation.Name) []dns01.Policy {
	owners = slices.Clone(owners)
	slices.Sort(owners)
	g := grant{key: p.key.name.Bare(), algorithm: p.key.algorithm, zone: zone, owners: slices.Compact(owners)}
	return []dns01.Policy{g.bind(), g.knot(), g.powerdns(), g.technitium()}
}

// grant is what one key is allowed: TXT records at some owners of a zone.
type grant struct {
	key       string // without the final dot
	algorithm string
	zone      delegation.Name
	owners    []delegation.Name
}

// bind writes for named.conf. A policy for exact names and one type also
// refuses what lies below the names, and every other type.
func (g grant) bind() dns01.Policy {
	var b strings.Builder
	fmt.Fprintf(&b, `// The key, made once, for named and certctl to read and nobody else:
//   umask 027; tsig-keygen -a %s %s > %[2]s.key
include "%[2]s.key";

// A zone that is there already needs the update-policy only, in place of
// allow-update, which would let the key write the whole zone.
zone "%[3]s" {
    type primary;
    file "%[3]s.zone";
    update-policy {
`, g.algorithm, g.key, g.zone.Bare())
	for _, owner := range g.owners {
		fmt.Fprintf(&b, "        grant \"%s.\" name %s TXT;\n", g.key, owner)
	}
	b.WriteString("    };\n};\n")
	return dns01.Policy{Kind: "bind", Server: "BIND 9", Text: b.String()}
}

// knot writes for knot.conf.
func (g grant) knot() dns01.Policy {
	owners := make([]string, len(g.owners))
	for i, owner := range g.owners {
		owners[i] = owner.String()
	}
	return dns01.Policy{Kind: "knot", Server: "Knot DNS", Text: fmt.Sprintf(`# The key, made once, for knotd and certctl to read and nobody else:
#   umask 027; keymgr -t %[1]s %[2]s > %[1]s.key
include: %[1]s.key

acl:
  - id: %[1]s
    key: %[1]s
    action: update
    update-type: TXT
    update-owner: name
    update-owner-match: equal
    update-owner-name: [%[3]s]

# A zone that is there already needs the acl only.
zone:
  - domain: %[4]s
    acl: %[1]s
`, g.key, g.algorithm, strings.Join(owners, ", "), g.zone)}
}

// powerdns writes commands. The server asks for both, an address that may
// update and a key that may: an address alone is not enough once there is a key
// in TSIG-ALLOW-DNSUPDATE.
func (g grant) powerdns() dns01.Policy {
	return dns01.Policy{Kind: "powerdns", Server: "PowerDNS", Text: fmt.Sprintf(`# In pdns.conf: no zone is open to an address without a key.
#   dnsupdate=yes
#   allow-dnsupdate-from=
# The first command prints the secret, for certctl; $ADDRESS is that of the host
# that runs certctl.
pdnsutil generate-tsig-key %[1]s %[2]s
pdnsutil set-meta %[3]s TSIG-ALLOW-DNSUPDATE %[1]s
pdnsutil set-meta %[3]s ALLOW-DNSUPDATE-FROM "$ADDRESS"
pdnsutil set-meta %[3]s NOTIFY-DNSUPDATE 1
`, g.key, g.algorithm, g.zone.Bare()),
		Excess: fmt.Sprintf("the key may write every record of zone %s: PowerDNS knows nothing narrower than a zone, so keep nothing else in it", g.zone.Bare()),
	}
}

// technitium writes a call of the HTTP API. The policies are one table, its
// cells separated by bars: key, name and types of each row.
func (g grant) technitium() dns01.Policy {
	var rows []string
	for _, owner := range g.owners {
		rows = append(rows, g.key, owner.Bare(), "TXT")
	}
	return dns01.Policy{Kind: "technitium", Server: "Technitium DNS Server", Text: fmt.Sprintf(`# The key %[1]s (%[2]s) is made under Settings, TSIG. This replaces the zone's policies.
# $ADDRESS is that of the host that runs certctl, $TOKEN one that may modify the zone.
curl -sS http://localhost:5380/api/zones/options/set \
    --data-urlencode "token=$TOKEN" \
    --data-urlencode "zone=%[3]s" \
    --data-urlencode "update=UseSpecifiedNetworkACL" \
    --data-urlencode "updateNetworkACL=$ADDRESS" \
    --data-urlencode "updateSecurityPolicies=%[4]s"
`, g.key, g.algorithm, g.zone.Bare(), strings.Join(rows, "|"))}
}
