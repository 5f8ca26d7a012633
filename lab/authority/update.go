package authority

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// update does what a dynamic update asks for (RFC 2136 §3) and fills in the
// reply.
func (s *Server) update(m, q *dns.Msg, c call) {
	m.Rcode = s.authenticate(m, q, c)
	if m.Rcode == dns.RcodeSuccess {
		m.Rcode = s.applyUpdate(q)
	}
}

// authenticate checks the signature and prepares that of the reply (RFC 8945
// §5.2 and §5.3.2).
func (s *Server) authenticate(m, q *dns.Msg, c call) (rcode int) {
	t := q.IsTsig()
	if t == nil {
		return dns.RcodeRefused
	}
	reply := &dns.TSIG{
		Hdr:       dns.RR_Header{Name: t.Hdr.Name, Rrtype: dns.TypeTSIG, Class: dns.ClassANY},
		Algorithm: t.Algorithm, Fudge: t.Fudge, OrigId: q.Id, TimeSigned: uint64(s.clock().Unix()),
	}
	m.Extra = append(m.Extra, reply)
	switch {
	case c.tsig == nil:
		return dns.RcodeSuccess
	case errors.Is(c.tsig, dns.ErrSig):
		reply.Error = dns.RcodeBadSig
	case errors.Is(c.tsig, dns.ErrTime):
		reply.Error = dns.RcodeBadTime
		reply.TimeSigned = t.TimeSigned
		reply.OtherLen, reply.OtherData = 6, fmt.Sprintf("%012x", s.clock().Unix())
	default:
		reply.Error = dns.RcodeBadKey
	}
	return dns.RcodeNotAuth
}

// applyUpdate goes through the sections of an authenticated update, in the
// order of RFC 2136 §3.1 to §3.4. A key without any right here is refused, as
// BIND does, and so is an update at a secondary.
func (s *Server) applyUpdate(q *dns.Msg) (rcode int) {
	if len(q.Question) != 1 || q.Question[0].Qtype != dns.TypeSOA {
		return dns.RcodeFormatError
	}
	z := s.closest(q.Question[0].Name)
	if z == nil || z.apex != dns.CanonicalName(q.Question[0].Name) {
		return dns.RcodeNotAuth
	}
	g, granted := z.grant(q.IsTsig().Hdr.Name)
	if !granted || s != z.primary || s.fault.NoUpdates {
		return dns.RcodeRefused
	}
	if rcode := z.prescan(q.Ns, g); rcode != dns.RcodeSuccess {
		return rcode
	}
	if rcode := z.prerequisites(q.Answer); rcode != dns.RcodeSuccess {
		return rcode
	}
	if !s.fault.Swallow {
		z.change(func(now time.Time) bool { return z.updateAll(q.Ns, now) })
	}
	return dns.RcodeSuccess
}

// prescan checks that all changes are inside the zone and the grant.
func (z *Zone) prescan(rrs []dns.RR, g grant) (rcode int) {
	for _, rr := range rrs {
		if !dns.IsSubDomain(z.apex, rr.Header().Name) {
			return dns.RcodeNotZone
		}
		if !g.allows(rr) {
			return dns.RcodeRefused
		}
	}
	return dns.RcodeSuccess
}

// prerequisites checks the prerequisite section (RFC 2136 §3.2), where a set
// given by value counts as met if all of its records are there.
func (z *Zone) prerequisites(rrs []dns.RR) (rcode int) {
	for _, rr := range rrs {
		h := rr.Header()
		live := z.live(h.Name, h.Rrtype)
		switch {
		case h.Class == dns.ClassNONE && len(live) > 0:
			return pick(h.Rrtype == dns.TypeANY, dns.RcodeYXDomain, dns.RcodeYXRrset)
		case h.Class == dns.ClassANY && len(live) == 0:
			return pick(h.Rrtype == dns.TypeANY, dns.RcodeNameError, dns.RcodeNXRrset)
		case h.Class == dns.ClassINET &&
			!slices.ContainsFunc(live, func(r *record) bool { return dns.IsDuplicate(r.rr, rr) }):
			return dns.RcodeNXRrset
		}
	}
	return dns.RcodeSuccess
}

// pick returns yes or no.
func pick(condition bool, yes, no int) int {
	if condition {
		return yes
	}
	return no
}

// updateAll goes through the update section (RFC 2136 §3.4.2).
func (z *Zone) updateAll(rrs []dns.RR, now time.Time) (changed bool) {
	for _, rr := range rrs {
		switch rr.Header().Class {
		case dns.ClassANY:
			changed = z.removeSet(rr.Header(), now) || changed
		case dns.ClassNONE:
			changed = !z.isVital(rr.Header()) && z.removeAll([]dns.RR{rr}, now) || changed
		case dns.ClassINET:
			changed = z.add(rr, now) || changed
		}
	}
	return changed
}

// isVital reports whether a record must stay: SOA and NS at the apex.
func (z *Zone) isVital(h *dns.RR_Header) bool {
	return dns.CanonicalName(h.Name) == z.apex && (h.Rrtype == dns.TypeSOA || h.Rrtype == dns.TypeNS)
}

// removeSet removes a record set, or for type ANY all sets of a name.
func (z *Zone) removeSet(h *dns.RR_Header, now time.Time) (changed bool) {
	for _, r := range z.live(h.Name, h.Rrtype) {
		if !z.isVital(r.rr.Header()) {
			r.removed, changed = now, true
		}
	}
	return changed
}

// add adds a record. What cannot stand beside a CNAME is ignored, which is
// NOERROR (RFC 2136 §3.4.2.2). A new TTL applies to the whole set.
func (z *Zone) add(rr dns.RR, now time.Time) (changed bool) {
	h := rr.Header()
	all, aliases := z.live(h.Name, dns.TypeANY), z.live(h.Name, dns.TypeCNAME)
	if h.Rrtype == dns.TypeSOA || len(aliases) > 0 || h.Rrtype == dns.TypeCNAME && len(all) > 0 {
		return false
	}
	for _, r := range z.live(h.Name, h.Rrtype) {
		if r.rr.Header().Ttl != h.Ttl {
			again := dns.Copy(r.rr)
			again.Header().Ttl = h.Ttl
			r.removed, changed = now, true
			z.insert(again, now)
		}
	}
	return z.insert(rr, now) || changed
}
