package authority

import (
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// maxAliases bounds the aliases that a server follows in its own zones.
const maxAliases = 16

// lookup fills in the answer to m's question from the zones of the server, as
// RFC 1034 §4.3.2 says.
func (s *Server) lookup(m *dns.Msg, now time.Time) {
	name, qtype := m.Question[0].Name, m.Question[0].Qtype
	seen := map[string]bool{}
	for range maxAliases {
		z := s.zoneOf(name, qtype)
		if z == nil {
			if len(seen) == 0 {
				m.Rcode = dns.RcodeRefused
			}
			return
		}
		seen[dns.CanonicalName(name)] = true
		name = z.view(s, now).lookup(m, name, qtype)
		if name == "" || seen[dns.CanonicalName(name)] {
			return
		}
	}
}

// zoneOf returns the zone of the server that name is in. DS belongs to the
// parent's side of a cut (RFC 4035 §3.1.4.1).
func (s *Server) zoneOf(name string, qtype uint16) *Zone {
	if qtype == dns.TypeDS && name != "." {
		if z := s.closest(parent(name)); z != nil {
			return z
		}
	}
	return s.closest(name)
}

// closest returns the zone of the server with the longest apex at or above
// name.
func (s *Server) closest(name string) *Zone {
	name = dns.CanonicalName(name)
	var best *Zone
	for _, z := range s.world.zones {
		if isWithin(name, z.apex) && s.serves(z) && (best == nil || len(z.apex) > len(best.apex)) {
			best = z
		}
	}
	return best
}

// isWithin reports whether a canonical name is at or below another. It is
// dns.IsSubDomain, but compares octets only: a world may have many zones.
func isWithin(name, apex string) bool {
	rest, ok := strings.CutSuffix(name, apex)
	return ok && (rest == "" || apex == "." || strings.HasSuffix(rest, "."))
}

// lookup adds what the zone says about name to m. It returns the name to go on
// with if that is an alias.
func (v view) lookup(m *dns.Msg, name string, qtype uint16) (next string) {
	cut, dname := v.descend(name, qtype)
	if cut != "" {
		m.Ns = append(m.Ns, v.get(cut, dns.TypeNS)...)
		v.addAddresses(m, m.Ns)
		return ""
	}
	m.Authoritative = true
	if dname != nil {
		return v.synthesise(m, dname, name)
	}
	source := v.source(name)
	if source == "" {
		m.Rcode = dns.RcodeNameError
		m.Ns = append(m.Ns, v.get(v.apex, dns.TypeSOA)...)
		return ""
	}
	return v.answer(m, source, name, qtype)
}

// descend goes from the apex to name and stops at the first zone cut or DNAME
// above it: what lies below is occluded.
func (v view) descend(name string, qtype uint16) (cut string, dname *dns.DNAME) {
	canonical := dns.CanonicalName(name)
	for _, n := range path(v.apex, canonical) {
		if n != v.apex && len(v.get(n, dns.TypeNS)) > 0 && !(qtype == dns.TypeDS && n == canonical) {
			return n, nil
		}
		if n != canonical {
			for _, rr := range v.get(n, dns.TypeDNAME) {
				return "", rr.(*dns.DNAME)
			}
		}
	}
	return "", nil
}

// path returns the names from apex down to name, both included.
func path(apex, name string) []string {
	var names []string
	for n := name; ; n = parent(n) {
		names = append(names, n)
		if n == apex {
			break
		}
	}
	slices.Reverse(names)
	return names
}

// source returns the owner whose records answer for name: itself, or the
// wildcard at its closest encloser (RFC 4592 §3.3.1), or "".
func (v view) source(name string) string {
	if v.exists(name) {
		return name
	}
	encloser := parent(name)
	for !v.exists(encloser) && dns.CanonicalName(encloser) != v.apex {
		encloser = parent(encloser)
	}
	if wildcard := below("*", encloser); v.exists(wildcard) {
		return wildcard
	}
	return ""
}

// answer adds the records at source in the name of name, spelled as it was
// asked for.
func (v view) answer(m *dns.Msg, source, name string, qtype uint16) (next string) {
	rrs := v.get(source, qtype)
	if aliases := v.get(source, dns.TypeCNAME); len(aliases) > 0 && qtype != dns.TypeCNAME && qtype != dns.TypeANY {
		rrs, next = aliases, aliases[0].(*dns.CNAME).Target
	}
	if len(rrs) == 0 {
		m.Ns = append(m.Ns, v.get(v.apex, dns.TypeSOA)...)
	}
	for _, rr := range rrs {
		rr = dns.Copy(rr)
		rr.Header().Name = name
		m.Answer = append(m.Answer, rr)
	}
	v.addAddresses(m, rrs)
	return next
}

// synthesise adds a DNAME and the CNAME that it makes of name (RFC 6672 §3.1).
func (v view) synthesise(m *dns.Msg, d *dns.DNAME, name string) (next string) {
	prefix := name[:len(name)-len(strings.TrimPrefix(d.Hdr.Name, "."))]
	target := prefix + strings.TrimPrefix(d.Target, ".")
	if !slices.ContainsFunc(m.Answer, func(rr dns.RR) bool { return dns.IsDuplicate(rr, d) }) {
		m.Answer = append(m.Answer, dns.Copy(d))
	}
	if _, ok := dns.IsDomainName(target); !ok {
		m.Rcode = dns.RcodeYXDomain
		return ""
	}
	m.Answer = append(m.Answer, &dns.CNAME{
		Hdr:    dns.RR_Header{Name: name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: d.Hdr.Ttl},
		Target: target,
	})
	return target
}

// addAddresses adds the addresses that the zone has for the name servers among
// rrs, below a cut too: there they are glue.
func (v view) addAddresses(m *dns.Msg, rrs []dns.RR) {
	for _, rr := range rrs {
		if ns, ok := rr.(*dns.NS); ok && dns.IsSubDomain(v.apex, ns.Ns) {
			m.Extra = append(m.Extra, v.get(ns.Ns, dns.TypeA)...)
			m.Extra = append(m.Extra, v.get(ns.Ns, dns.TypeAAAA)...)
		}
	}
}
