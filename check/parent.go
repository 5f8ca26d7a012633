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

// askedAbove is how many addresses of a parent are asked. More than a few are
// those of a registry, whose servers are of one mind.
const askedAbove = 8

// referral is what one server of the parent says about a zone.
type referral struct {
	server  string
	named   []delegation.Name                // nil: no referral
	glue    map[delegation.Name][]netip.Addr // addresses beside it
	unknown bool                             // says that there is no such zone
	rcode   string
}

// lookAtParents compares what each zone says of its servers with what its
// parent says.
func (r *run) lookAtParents(ctx context.Context) {
	each(r, r.zones, func(z *zone) (fs findings) {
		if z.proxied || len(z.usable()) == 0 {
			return nil
		}
		refs := r.referrals(ctx, z)
		fs.unknownCut(z, refs)
		fs.differ(z, refs)
		for _, ref := range refs {
			if fs.unglued(z, ref) {
				break // the others say the same
			}
		}
		r.stale(ctx, z, refs, &fs)
		return fs
	})
}

// referrals asks the parent's servers for the zone.
func (r *run) referrals(ctx context.Context, z *zone) []*referral {
	if z.parent == nil {
		return nil
	}
	var refs []*referral
	var ask []func()
	for _, n := range z.parent.Servers {
		for _, a := range n.Addrs {
			if len(ask) == askedAbove {
				break
			}
			ref := &referral{server: at(n.Name, a)}
			refs = append(refs, ref)
			ask = append(ask, func() {
				if m, err := r.client.Ask(ctx, a, z.apex, dns.TypeNS, false); err == nil {
					ref.read(m, z)
				}
			})
		}
	}
	together(ask)
	return refs
}

func (ref *referral) read(m *dns.Msg, z *zone) {
	if m.Authoritative {
		known := slices.ContainsFunc(slices.Concat(m.Answer, m.Ns), func(rr dns.RR) bool {
			return strings.EqualFold(rr.Header().Name, z.apex.String()) // NS or SOA: it serves the zone itself
		})
		ref.unknown = !known && (m.Rcode == dns.RcodeSuccess || m.Rcode == dns.RcodeNameError)
		ref.rcode = pick(m.Rcode == dns.RcodeSuccess, "no NS record", rcode(m.Rcode))
		return
	}
	if ref.named = nameServers(m.Ns, z.apex); len(ref.named) == 0 {
		ref.named = nil // it refuses, or fails
	}
	ref.glue = map[delegation.Name][]netip.Addr{}
	for _, rr := range m.Extra {
		if a, ok := address(rr); ok {
			host := delegation.Name(dns.CanonicalName(rr.Header().Name))
			ref.glue[host] = append(ref.glue[host], a)
		}
	}
}

// address returns the address in an A or AAAA record.
func address(rr dns.RR) (netip.Addr, bool) {
	var octets []byte
	switch rr := rr.(type) {
	case *dns.A:
		octets = rr.A.To4()
	case *dns.AAAA:
		octets = rr.AAAA
	}
	return netip.AddrFromSlice(octets)
}

// unknownCut finds servers of the parent that do not know the zone.
func (fs *findings) unknownCut(z *zone, refs []*referral) {
	for _, ref := range refs {
		if ref.unknown {
			fs.add("cut-missing", z.apex.Bare(), fmt.Sprintf("%s serves zone %s, but does not know zone %s below it: a CA that asks it finds nothing", ref.server, z.parent.Apex.Bare(), z.apex.Bare()),
				fmt.Sprintf("add the NS records of %s to zone %s at all of its servers", z.apex.Bare(), z.parent.Apex.Bare()),
				Evidence{ref.server, "NS " + z.apex.Bare(), ref.rcode})
		}
	}
}

// differ compares the NS records of parent and child (RFC 1034 §4.2.2).
func (fs *findings) differ(z *zone, refs []*referral) {
	zone := z.apex.Bare()
	above, aboveSaid := union(refs, func(ref *referral) ([]delegation.Name, string) { return ref.named, ref.server })
	own, ownSaid := union(z.usable(), func(s *server) ([]delegation.Name, string) { return s.ns, s.String() })
	evidence := append(label(aboveSaid, "NS "+zone+" in the parent"), label(ownSaid, "NS "+zone)...)
	switch {
	case len(own) == 0:
		fs.add("ns-none", zone, fmt.Sprintf("zone %s names no servers of its own", zone), "add NS records at its apex", evidence...)
	case len(above) > 0 && (!slices.Equal(above, own) || unlike(aboveSaid) || unlike(ownSaid)):
		fs.add("ns-differ", zone, fmt.Sprintf("zone %s names the servers %s, but %s delegates it to %s: all of them have to serve it", zone, list(own), z.parent.Apex.Bare(), list(above)),
			"make the NS records of parent and child the same", evidence...)
	}
	for _, s := range z.named {
		if len(s.Addrs) > 0 && !slices.Contains(own, s.Name) && !slices.Contains(above, s.Name) && len(own) > 0 {
			fs.add("ns-unnamed", zone, fmt.Sprintf("%s answers for zone %s although no NS record names it", at(s.Name, s.Addrs[0]), zone), "")
		}
	}
}

// said is what one server named.
type said struct {
	server string
	names  []delegation.Name
}

// union returns all names, and who said which.
func union[T any](things []T, names func(T) ([]delegation.Name, string)) (all []delegation.Name, by []said) {
	for _, thing := range things {
		if ns, server := names(thing); ns != nil {
			all = append(all, ns...)
			by = append(by, said{server, ns})
		}
	}
	slices.Sort(all)
	return slices.Compact(all), by
}

func unlike(by []said) bool {
	return slices.ContainsFunc(by, func(s said) bool { return !slices.Equal(s.names, by[0].names) })
}

func label(by []said, record string) []Evidence {
	var evidence []Evidence
	for _, s := range by {
		evidence = append(evidence, Evidence{s.server, record, list(s.names)})
	}
	return evidence
}

// unglued finds servers inside the zone whose addresses the parent does not
// give: without another server nobody finds them (RFC 9471).
func (fs *findings) unglued(z *zone, ref *referral) bool {
	found := false
	for _, host := range ref.named {
		if host.IsAtOrBelow(z.apex) && len(ref.glue[host]) == 0 {
			found = true
			fs.add("glue-missing", z.apex.Bare(), fmt.Sprintf("%s delegates %s to %s, which is inside it, without its address", z.parent.Apex.Bare(), z.apex.Bare(), host.Bare()),
				fmt.Sprintf("add the address of %s (glue) to zone %s", host.Bare(), z.parent.Apex.Bare()),
				Evidence{ref.server, "NS " + z.apex.Bare(), host.Bare() + ", no address"})
		}
	}
	return found
}

// stale finds glue that the zone itself does not confirm. Resolvers use it all
// the same.
func (r *run) stale(ctx context.Context, z *zone, refs []*referral, fs *findings) {
	seen := map[string]bool{}
	for _, ref := range refs {
		for _, host := range ref.named {
			if !host.IsAtOrBelow(z.apex) {
				continue
			}
			own := r.addresses(ctx, z, host)
			for _, a := range ref.glue[host] {
				key := host.String() + a.String()
				if own == nil || slices.Contains(own, a) || seen[key] {
					continue
				}
				seen[key] = true
				fs.add("glue-stale", z.apex.Bare(), fmt.Sprintf("%s says that %s has the address %s, but zone %s does not", z.parent.Apex.Bare(), host.Bare(), a, z.apex.Bare()),
					fmt.Sprintf("change the glue of %s in zone %s", host.Bare(), z.parent.Apex.Bare()),
					Evidence{ref.server, "glue " + host.Bare(), a.String()}, Evidence{z.usable()[0].String(), "A and AAAA " + host.Bare(), addressList(own)})
			}
		}
	}
}

// addresses returns what a zone says of a host in it; nil if it does not say.
func (r *run) addresses(ctx context.Context, z *zone, host delegation.Name) []netip.Addr {
	addrs := []netip.Addr{}
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		m := r.ask(ctx, z.named, host, qtype)
		if m == nil {
			return nil
		}
		for _, rr := range m.Answer {
			if a, ok := address(rr); ok {
				addrs = append(addrs, a)
			}
		}
	}
	return addrs
}

func addressList(addrs []netip.Addr) string {
	if len(addrs) == 0 {
		return "none"
	}
	var words []string
	for _, a := range addrs {
		words = append(words, a.String())
	}
	return strings.Join(words, ", ")
}
