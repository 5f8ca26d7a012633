package check

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// zone is a zone on the way of some names: one that an alias is in, or an owner.
type zone struct {
	apex    delegation.Name
	aliases []delegation.Step // in the zone, each once
	owners  []delegation.Name // where records are to be written
	parent  *delegation.Zone  // as far as it is known
	named   []delegation.Server
	servers []*server // one for each address
	proxied bool
	err     error
}

// usable returns the servers that serve the zone.
func (z *zone) usable() []*server {
	var good []*server
	for _, s := range z.servers {
		if s.soa != nil {
			good = append(good, s)
		}
	}
	return good
}

// survey finds every address of every server of the zones on the way, measures
// it, and says what is wrong with it.
func (r *run) survey(ctx context.Context) {
	r.onTheWay()
	each(r, r.zones, func(z *zone) (fs findings) {
		r.measure(ctx, z)
		if ctx.Err() != nil || z.proxied {
			return nil
		}
		if z.err != nil {
			fs.unresolved(z.apex.Bare(), z.err)
			return fs
		}
		for _, s := range z.servers {
			fs.health(z, s)
		}
		fs.enough(z)
		if !r.private() {
			fs.reach(z)
		}
		return fs
	})
	r.client = sparing(r.client, r.zones)
}

// onTheWay lists the zones.
func (r *run) onTheWay() {
	for _, p := range r.located() {
		t := p.written()
		for _, s := range aliases(t) {
			z := r.zone(s.Zone)
			if !slices.ContainsFunc(z.aliases, func(k delegation.Step) bool { return k.From == s.From }) {
				z.aliases = append(z.aliases, s)
			}
		}
		z := r.zone(t.Zone)
		z.proxied = t.Proxied
		if !slices.Contains(z.owners, t.Owner) {
			z.owners = append(z.owners, t.Owner)
		}
	}
}

// zone returns the zone of this name; the first mention makes it.
func (r *run) zone(apex delegation.Name) *zone {
	for _, z := range r.zones {
		if z.apex == apex {
			return z
		}
	}
	z := &zone{apex: apex}
	r.zones = append(r.zones, z)
	return z
}

// mostServers is how many addresses of a zone are asked. No honest zone has
// more, and others shall not make us ask for ever.
const mostServers = 64

// measure finds the servers of a zone and measures them.
func (r *run) measure(ctx context.Context, z *zone) {
	known, err := r.Resolver.Zone(ctx, z.apex)
	if err != nil {
		z.err = err
		return
	}
	z.named, z.proxied = known.Servers, z.proxied || known.Proxied
	if parent, err := r.Resolver.ParentZone(ctx, z.apex); err == nil && z.apex != "." {
		z.parent = &parent
	}
	var ask []func()
	for _, n := range known.Servers {
		for _, a := range n.Addrs {
			if len(z.servers) == mostServers {
				break
			}
			s := &server{name: n.Name, addr: a}
			z.servers = append(z.servers, s)
			ask = append(ask, func() { s.measure(ctx, r.client, z.apex) })
		}
	}
	if !z.proxied {
		together(ask)
	}
}

// health says what is wrong with one server.
func (fs *findings) health(z *zone, s *server) {
	zone := z.apex.Bare()
	if s.err != nil {
		fs.unhealthy(z, s)
		return
	}
	if s.tcp != nil && !delegation.IsNoRoute(s.tcp) {
		fs.add("ns-no-tcp", zone, fmt.Sprintf("%s does not answer over TCP, which resolvers need when an answer is long", s),
			"open port 53 of this server for TCP (RFC 7766)", Evidence{s.String(), "SOA " + zone + " over TCP", words(s.tcp)})
	}
	if !s.soa.CaseKept {
		fs.add("case-folded", zone, fmt.Sprintf("%s does not keep the case of a question: resolvers ask it again to be sure of its answers", s), "",
			Evidence{s.String(), "SOA " + zone, "the question came back in another case"})
	}
	if s.soa.IsEdns0() == nil {
		fs.add("no-edns", zone, fmt.Sprintf("%s does not know EDNS: answers over 512 octets take another query, over TCP", s), "",
			Evidence{s.String(), "SOA " + zone, "no OPT record"})
	}
}

// unhealthy says why a server gave no usable answer.
func (fs *findings) unhealthy(z *zone, s *server) {
	zone, e := z.apex.Bare(), s.err
	switch {
	case s.sensitive:
		fs.add("case-sensitive", zone, fmt.Sprintf("%s does not find names in mixed case, in which CAs ask", s),
			"this server breaks RFC 4343: replace it, or mend it", trouble(e), Evidence{s.String(), "SOA " + zone + " in lower case", "NOERROR"})
	case e.Err != nil && delegation.IsNoRoute(e.Err):
		fs.add("ns-unrouted", zone, fmt.Sprintf("this host has no route to %s: whether it answers is not known", s), "", trouble(e))
	case e.Err != nil:
		fs.add("ns-unreachable", zone, fmt.Sprintf("%s, a server of zone %s, gives no usable answer: a CA that asks it fails, or has to ask another", s, zone),
			fmt.Sprintf("mend the server, or remove %s from the NS records of %s", s.name.Bare(), zone), trouble(e), overTCPEvidence(z, s))
	case e.Lame, e.Rcode == dns.RcodeRefused, e.Rcode == dns.RcodeNotAuth, e.Rcode == dns.RcodeNameError:
		fs.add("ns-lame", zone, fmt.Sprintf("%s does not serve zone %s, which is delegated to it", s, zone),
			fmt.Sprintf("set up %s at this server, or remove %s from the zone's NS records, here and in the zone above", zone, s.name.Bare()), trouble(e))
	default:
		fs.add("ns-failing", zone, fmt.Sprintf("%s fails to answer about zone %s", s, zone),
			"the server's log says why: often it could not load the zone, or its copy has expired", trouble(e))
	}
}

// overTCPEvidence is what the server did over the other protocol.
func overTCPEvidence(z *zone, s *server) Evidence {
	e := Evidence{s.String(), "SOA " + z.apex.Bare() + " over TCP", "NOERROR"}
	if s.tcp != nil {
		e.Value = words(s.tcp)
	}
	return e
}

// enough counts the servers (RFC 2182 §5).
func (fs *findings) enough(z *zone) {
	zone := z.apex.Bare()
	var names []delegation.Name
	var evidence []Evidence
	addrs := map[netip.Addr]bool{}
	for _, n := range z.named {
		if len(n.Addrs) == 0 {
			fs.add("ns-no-address", zone, fmt.Sprintf("%s, a server of zone %s, has no address", n.Name.Bare(), zone),
				fmt.Sprintf("add an A or AAAA record for %s, or remove it from the NS records of %s", n.Name.Bare(), zone),
				Evidence{Record: "A and AAAA " + n.Name.Bare(), Value: "none, or not to be found"})
			continue
		}
		names = append(names, n.Name)
		for _, a := range n.Addrs {
			addrs[a.Addr()] = true
			evidence = append(evidence, Evidence{Server: at(n.Name, a), Record: "NS " + zone, Value: n.Name.Bare()})
		}
	}
	if len(names) < 2 || len(addrs) < 2 {
		fs.add("ns-single", zone, fmt.Sprintf("zone %s has only one server: no certificate can be had while it is down", zone),
			"add a second server in another network (RFC 2182 §5)", evidence...)
	}
}

// reach finds addresses that are of private networks.
func (fs *findings) reach(z *zone) {
	zone := z.apex.Bare()
	for _, s := range z.servers {
		if !isPublic(s.addr.Addr()) {
			fs.add("ns-private", zone, fmt.Sprintf("%s, a server of zone %s, has an address that CAs cannot reach, nor do they try", s, zone),
				fmt.Sprintf("remove the address from the records of %s that the Internet sees", s.name.Bare()), Evidence{Record: "address of " + s.name.Bare(), Value: s.addr.Addr().String()})
		}
	}
}

// shared is the prefix of addresses that providers share among customers (RFC
// 6598).
var carrier = netip.MustParsePrefix("100.64.0.0/10")

// isPublic reports whether a host on the Internet can have the address.
func isPublic(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsGlobalUnicast() && !a.IsPrivate() && !carrier.Contains(a)
}

// private reports whether the whole DNS that we see is a private one, with a
// root of its own: then private addresses are as they should be.
func (r *run) private() bool {
	if r.Lab || r.ownRoot {
		return true
	}
	for _, p := range r.located() {
		if steps := p.target.Steps; len(steps) > 0 {
			return steps[0].Kind == delegation.Cut && !isPublic(steps[0].Server.Addr())
		}
	}
	return false
}
