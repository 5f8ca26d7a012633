package nameserver

import (
	"net/netip"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// content is what the answer to a question says, whoever asks it and how.
type content struct {
	rcode             int
	aa                bool
	answer, ns, extra []dns.RR
	zone              delegation.Name // "" outside our zones
	values            int             // TXT records in answer
	missing           bool            // there is no such name
	edeCode           uint16          // RFC 8914; with edeText only
	edeText           string
}

// request is a message that somebody sent.
type request struct {
	msg  *dns.Msg
	from netip.AddrPort
	tcp  bool
	key  delegation.Name // whose signature it has; "" without one
}

// Answer returns the answer to a query, nil where none is due. It depends on
// the configuration and the values only, and on the time for cookies. The answer
// may be longer than the transport allows. Signatures are not looked at, and
// updates are refused.
func (s *Server) Answer(m *dns.Msg, from netip.AddrPort, tcp bool) *dns.Msg {
	reply, _ := s.hosting.Load().respond(s, request{msg: m, from: from, tcp: tcp})
	return reply
}

// respond returns the answer to any message but a zone transfer.
func (h *hosting) respond(s *Server, r request) (*dns.Msg, content) {
	if r.msg.Response {
		return nil, content{}
	}
	reply := new(dns.Msg)
	reply.Id, reply.Response, reply.Opcode = r.msg.Id, true, r.msg.Opcode
	reply.RecursionDesired, reply.CheckingDisabled = r.msg.RecursionDesired, r.msg.CheckingDisabled
	reply.Question = r.msg.Question
	e, rcode := parseEDNS(r.msg)
	c := content{rcode: rcode}
	if rcode == dns.RcodeSuccess {
		c = h.dispatch(s, r, e)
	}
	reply.Rcode, reply.Authoritative = c.rcode, c.aa
	reply.Answer, reply.Ns, reply.Extra = c.answer, c.ns, c.extra
	if e.present {
		reply.Extra = append(reply.Extra[:len(reply.Extra):len(reply.Extra)], s.option(h, r, e, c))
	}
	return reply, c
}

// dispatch does what the message asks for (RFC 1035 §4.1.1).
func (h *hosting) dispatch(s *Server, r request, e edns) content {
	switch r.msg.Opcode {
	case dns.OpcodeQuery:
		if h.asksForAudience(r) {
			return h.audience(r)
		}
		return h.query(r.msg, e)
	case dns.OpcodeNotify:
		return h.notified(s, r)
	case dns.OpcodeUpdate:
		return content{rcode: dns.RcodeRefused} // there is nobody who takes it
	}
	return content{rcode: dns.RcodeNotImplemented}
}

// query answers a question.
func (h *hosting) query(m *dns.Msg, e edns) content {
	if len(m.Question) == 0 && e.cookie != nil {
		return content{} // somebody wants nothing but a cookie (RFC 7873 §5.4)
	}
	if len(m.Question) != 1 || len(m.Answer) > 0 {
		return content{rcode: dns.RcodeFormatError}
	}
	q := m.Question[0]
	if q.Qclass != dns.ClassINET {
		return content{rcode: dns.RcodeRefused}
	}
	return h.content(delegation.Name(dns.CanonicalName(q.Name)), q.Qtype, e.do)
}

// content answers a question about a name in class IN.
func (h *hosting) content(name delegation.Name, qtype uint16, do bool) content {
	switch qtype {
	case dns.TypeOPT, typeNXNAME: // RFC 9824 §3.5
		return content{rcode: dns.RcodeFormatError}
	case dns.TypeTKEY, dns.TypeTSIG, dns.TypeMAILA, dns.TypeMAILB:
		return content{rcode: dns.RcodeNotImplemented}
	}
	z, ok := h.zone(name)
	switch {
	case !ok:
		return content{rcode: dns.RcodeRefused, edeCode: dns.ExtendedErrorCodeNotAuthoritative, edeText: "not one of our zones"}
	case qtype == dns.TypeAXFR || qtype == dns.TypeIXFR:
		return content{rcode: dns.RcodeRefused, zone: z.apex}
	case !z.ready():
		return content{rcode: dns.RcodeServerFailure, zone: z.apex, edeCode: dns.ExtendedErrorCodeNotReady, edeText: "the zone has not been transferred yet"}
	case z.expired():
		return content{rcode: dns.RcodeServerFailure, zone: z.apex, edeCode: dns.ExtendedErrorCodeInvalidData, edeText: "the zone has expired: its primary was not reached"}
	case qtype == dns.TypeANY:
		qtype = z.any(name)
	}
	var c content
	if do && z.Signer != nil {
		c = z.signedContent(name, qtype)
	} else {
		c, _ = z.content(name, qtype)
	}
	if qtype == dns.TypeNS && len(c.answer) > 0 {
		c.extra = h.glue(z)
	}
	return c
}

// content answers a question about a name in the zone.
func (z zone) content(name delegation.Name, qtype uint16) (content, outcome) {
	c := content{aa: true, zone: z.apex}
	list, out := z.lookup(name, qtype)
	if qtype == dns.TypeNSEC && z.Signer != nil {
		if own := z.ownNSEC(name, out); own != nil {
			list, out = []dns.RR{own}, found
		}
	}
	switch out {
	case found:
		c.answer = list
	case noName:
		c.rcode, c.missing = dns.RcodeNameError, true
		c.ns = []dns.RR{z.soa()}
	case noData:
		c.ns = []dns.RR{z.soa()}
	}
	if qtype == dns.TypeTXT {
		c.values = len(list)
	}
	return c, out
}

// any returns the one type that is answered where all are asked for (RFC 8482
// §4.1).
func (z zone) any(name delegation.Name) uint16 {
	switch {
	case len(z.values.At(z.apex, name)) > 0:
		return dns.TypeTXT
	case len(z.fixed[name]) > 0:
		return z.fixed[name][0].Header().Rrtype
	}
	return dns.TypeSOA
}
