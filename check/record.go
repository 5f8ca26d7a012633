package check

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// manyTXT is how many values at an owner still fit into an answer over UDP.
const manyTXT = 10

// sight is what one server says about one name.
type sight struct {
	server *server
	alias  string // what the name is an alias for, in lower case, or ""
	texts  int    // TXT records at the name
	rcode  int
	long   bool // the answer was truncated over UDP
	err    *delegation.Error
}

// spot is a name on the way, and the zone that it is in.
type spot struct {
	zone  *zone
	alias *delegation.Step // nil: the name is an owner
	owner delegation.Name
}

// lookAtRecords compares what the servers of each zone say about the names on
// the way.
func (r *run) lookAtRecords(ctx context.Context) {
	var spots []spot
	for _, z := range r.zones {
		if z.proxied {
			continue
		}
		for i := range z.aliases {
			spots = append(spots, spot{zone: z, alias: &z.aliases[i]})
		}
		for _, owner := range z.owners {
			spots = append(spots, spot{zone: z, owner: owner})
		}
	}
	each(r, spots, func(s spot) (fs findings) {
		if s.alias == nil {
			r.owner(ctx, s.zone, s.owner, &fs)
			r.occluded(ctx, s.zone, s.owner, &fs)
			return fs
		}
		r.alias(ctx, s.zone, s.alias, &fs)
		return fs
	})
}

// alias looks at a name that is an alias.
func (r *run) alias(ctx context.Context, z *zone, s *delegation.Step, fs *findings) {
	fs.agree(z, s.From, s.To.Bare(), r.sights(ctx, z, s.From, dns.TypeCNAME))
	fs.beside(z, s.From, r.sights(ctx, z, s.From, dns.TypeTXT))
	r.nonterminals(ctx, z, s.From, fs)
}

// sights asks every usable server of a zone about a name.
func (r *run) sights(ctx context.Context, z *zone, name delegation.Name, qtype uint16) []*sight {
	var all []*sight
	var ask []func()
	for _, s := range z.usable() {
		seen := &sight{server: s}
		all = append(all, seen)
		ask = append(ask, func() { seen.look(ctx, r.client, name, qtype) })
	}
	together(ask)
	return all
}

func (s *sight) look(ctx context.Context, client *delegation.Client, name delegation.Name, qtype uint16) {
	a, err := s.server.query(ctx, client, name, qtype)
	if err != nil {
		s.err = err
		return
	}
	s.rcode, s.long = a.Rcode, a.Truncated
	for _, rr := range a.Answer {
		owner := delegation.Name(dns.CanonicalName(rr.Header().Name))
		switch rr := rr.(type) {
		case *dns.CNAME:
			if owner == name {
				s.alias = strings.ToLower(strings.TrimSuffix(rr.Target, "."))
			}
		case *dns.TXT:
			if owner == name {
				s.texts++
			}
		}
	}
}

// evidence is what the server said, in words.
func (s *sight) evidence(record string) Evidence {
	e := Evidence{Server: s.server.String(), Record: record}
	switch {
	case s.err != nil:
		e.Value = words(s.err)
	case s.alias != "":
		e.Value = s.alias
	case s.texts > 0:
		e.Value = count(s.texts, "TXT record")
	case s.rcode == dns.RcodeNameError:
		e.Value = rcode(s.rcode)
	default:
		e.Value = "no such record"
	}
	return e
}

// evidence collects what all servers said.
func evidence(sights []*sight, record string) []Evidence {
	var all []Evidence
	for _, s := range sights {
		all = append(all, s.evidence(record))
	}
	return all
}

// agree finds servers that do not have an alias, or another one; for an owner,
// those that have one. Who gave no answer has been dealt with.
func (fs *findings) agree(z *zone, name delegation.Name, alias string, sights []*sight) {
	odd := slices.ContainsFunc(sights, func(s *sight) bool { return s.err == nil && s.alias != alias })
	if odd {
		fs.add("records-differ", z.apex.Bare(), fmt.Sprintf("the servers of zone %s do not say the same about %s: which one a CA asks is chance", z.apex.Bare(), name.Bare()),
			"see to it that all servers have the newest zone: are they notified, and may they transfer it?", evidence(sights, "CNAME "+name.Bare())...)
	}
}

// beside finds TXT records where there is an alias: some services add their
// own.
func (fs *findings) beside(z *zone, name delegation.Name, sights []*sight) {
	if slices.ContainsFunc(sights, func(s *sight) bool { return s.texts > 0 }) {
		fs.add("txt-beside", z.apex.Bare(), fmt.Sprintf("there are TXT records at %s, which is an alias: a CA sees them instead of ours, or not at all", name.Bare()),
			fmt.Sprintf("remove the TXT records at %s; some hosts of DNS add them for certificates of their own", name.Bare()), evidence(sights, "TXT "+name.Bare())...)
	}
}

// occluded finds TXT records that servers of the parent show below the cut that
// makes an owner's zone. One address of each server is asked.
func (r *run) occluded(ctx context.Context, z *zone, owner delegation.Name, fs *findings) {
	if z.parent == nil {
		return
	}
	var sights []*sight
	var ask []func()
	for _, n := range z.parent.Servers {
		if len(n.Addrs) == 0 || serves(z, n.Addrs[0]) || len(ask) == askedAbove {
			continue
		}
		s := &sight{server: &server{name: n.Name, addr: n.Addrs[0]}}
		sights = append(sights, s)
		ask = append(ask, func() { s.look(ctx, r.client, owner, dns.TypeTXT) })
	}
	together(ask)
	for _, s := range sights {
		if s.texts > 0 {
			fs.add("txt-beside", z.apex.Bare(), fmt.Sprintf("zone %s still has TXT records at %s, which is delegated away from it", z.parent.Apex.Bare(), owner.Bare()),
				fmt.Sprintf("remove the TXT records at %s from zone %s", owner.Bare(), z.parent.Apex.Bare()), s.evidence("TXT "+owner.Bare()))
		}
	}
}

// serves reports whether an address is one of the zone's own servers.
func serves(z *zone, a netip.AddrPort) bool {
	return slices.ContainsFunc(z.servers, func(own *server) bool { return own.addr == a })
}

// owner looks at the place where a record is to be written.
func (r *run) owner(ctx context.Context, z *zone, owner delegation.Name, fs *findings) {
	name, zone := owner.Bare(), z.apex.Bare()
	sights := r.sights(ctx, z, owner, dns.TypeTXT)
	if !r.ends(owner) {
		fs.agree(z, owner, "", sights)
	}
	most := 0
	for _, s := range sights {
		most = max(most, s.texts)
		if s.long {
			fs.add("answer-truncated", zone, fmt.Sprintf("what %s says of %s is too long for UDP", s.server, name), "", s.evidence("TXT "+name))
		}
		if s.err != nil && s.server.tcp != nil {
			fs.add("ns-tcp-needed", zone, fmt.Sprintf("what %s says of %s is too long for UDP, and it does not answer over TCP", s.server, name),
				fmt.Sprintf("open port 53 of this server for TCP, and remove old TXT records at %s", name), trouble(s.err))
		}
	}
	switch {
	case most > manyTXT:
		fs.add("txt-many", zone, fmt.Sprintf("%s at %s make answers too long for UDP: are they left over from earlier validations?", count(most, "TXT record"), name),
			fmt.Sprintf("remove the old TXT records at %s", name), evidence(sights, "TXT "+name)...)
	case most > 0:
		fs.add("txt-present", zone, fmt.Sprintf("there is %s at %s already, which does no harm", count(most, "TXT record"), name), "", evidence(sights, "TXT "+name)...)
	}
	if most > 0 {
		r.otherTypes(ctx, z, owner, fs)
		r.nonterminals(ctx, z, owner, fs)
	}
}

// ends reports whether a record of its own at owner ends the alias that a
// wildcard makes of it.
func (r *run) ends(owner delegation.Name) bool {
	return slices.ContainsFunc(r.located(), func(p *place) bool {
		return p.target.Explicit != nil && p.owner() == owner && p.grant != nil && p.grant.Target == p.target.Explicit
	})
}

// otherTypes finds servers that deny a name which has TXT records when they are
// asked for another type, as some servers made for validation records do.
func (r *run) otherTypes(ctx context.Context, z *zone, owner delegation.Name, fs *findings) {
	fs.denied(z, owner, "A", r.sights(ctx, z, owner, dns.TypeA))
}

// mostLevels is how many names above another are asked for.
const mostLevels = 8

// nonterminals finds servers that deny names between the apex and one that
// exists (RFC 8020).
func (r *run) nonterminals(ctx context.Context, z *zone, name delegation.Name, fs *findings) {
	above := name.Parent()
	for n := 0; n < mostLevels && above != z.apex && above.IsAtOrBelow(z.apex); n++ {
		fs.denied(z, above, "A", r.sights(ctx, z, above, dns.TypeA))
		above = above.Parent()
	}
}

func (fs *findings) denied(z *zone, name delegation.Name, qtype string, sights []*sight) {
	for _, s := range sights {
		if s.err == nil && s.rcode == dns.RcodeNameError && s.alias == "" {
			fs.add("nxdomain-existing", z.apex.Bare(), fmt.Sprintf("%s says that %s does not exist, but there are records at it or below it: resolvers that go down label by label find nothing", s.server, name.Bare()),
				"this server breaks RFC 8020: replace it, or mend it", s.evidence(qtype+" "+name.Bare()))
			return
		}
	}
}
