package nameserver

import (
	"context"
	"crypto/sha512"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

const headerSize = 12 // octets, RFC 1035 §4.1.1

func opcode(packet []byte) int { return int(packet[2] >> 3 & 0xF) }

// handle returns the answer to a packet; nil where none is due.
func (s *Server) handle(ctx context.Context, packet []byte, from netip.AddrPort, tcp bool) []byte {
	if len(packet) < headerSize || packet[2]&0x80 != 0 { // too short, or an answer
		return nil
	}
	h := s.hosting.Load()
	if opcode(packet) == dns.OpcodeUpdate && h.config.Updates != nil {
		return h.config.Updates.Update(ctx, packet, from.Addr(), tcp)
	}
	r := request{msg: new(dns.Msg), from: from, tcp: tcp}
	if err := r.msg.Unpack(packet); err != nil {
		return s.limitedSlow(h, r, malformed(packet), content{rcode: dns.RcodeFormatError})
	}
	if t := r.msg.IsTsig(); t != nil {
		return s.handleSigned(h, r, packet, t)
	}
	reply, c := h.respond(s, r)
	packed, err := pack(reply, limit(r))
	if err != nil {
		s.log.Error("an answer cannot be packed", "error", err.Error())
		return malformed(packet)
	}
	s.observeSlow(r, c)
	return s.limitedSlow(h, r, packed, c)
}

// limitedSlow returns what is left of an answer; nil if nothing is.
func (s *Server) limitedSlow(h *hosting, r request, answer []byte, c content) []byte {
	if r.tcp {
		return answer
	}
	name := ""
	if len(r.msg.Question) == 1 {
		name = dns.CanonicalName(r.msg.Question[0].Name)
	}
	e, _ := parseEDNS(r.msg)
	return s.limited(h, answer, r.from.Addr(), c, name, e.cookie)
}

func (s *Server) observeSlow(r request, c content) {
	if len(r.msg.Question) != 1 || r.msg.Opcode != dns.OpcodeQuery {
		return
	}
	q := r.msg.Question[0]
	name := delegation.Name(dns.CanonicalName(q.Name))
	s.observe(Query{Time: time.Now(), From: r.from, TCP: r.tcp, Zone: c.zone, Name: name, Type: q.Qtype, Rcode: c.rcode, Values: c.values})
}

// handleSigned is handle for a message with a signature.
func (s *Server) handleSigned(h *hosting, r request, packet []byte, t *dns.TSIG) []byte {
	tsigError := h.keys.verify(packet, t)
	reply := new(dns.Msg)
	if tsigError == dns.RcodeSuccess {
		r.key = delegation.Name(dns.CanonicalName(t.Hdr.Name))
		reply, _ = h.respond(s, r)
	} else {
		reply.SetRcode(r.msg, dns.RcodeNotAuth)
		s.refused("a signature is refused", "from", r.from.String(), "key", t.Hdr.Name, "error", dns.RcodeToString[int(tsigError)])
	}
	if room := limit(r) - dns.Len(t) - sha512.Size; reply.Len() > room {
		reply.Truncated, reply.Answer, reply.Ns, reply.Extra = true, nil, nil, nil
	}
	packed, err := h.keys.sign(reply, t, tsigError)
	switch {
	case err != nil:
		return malformed(packet)
	case tsigError != dns.RcodeSuccess:
		return s.limitedSlow(h, r, packed, content{rcode: dns.RcodeNotAuth})
	}
	return packed
}

// malformed returns the answer to what cannot be read: a header that says so.
func malformed(packet []byte) []byte {
	reply := make([]byte, headerSize)
	copy(reply, packet[:4])
	reply[2] = reply[2]&0x79 | 0x80 // an answer; opcode and RD as they came
	reply[3] = dns.RcodeFormatError
	return reply
}

// limit returns how long an answer may be.
func limit(r request) int {
	if r.tcp {
		return dns.MaxMsgSize
	}
	e, _ := parseEDNS(r.msg)
	return e.size
}

// pack packs an answer. One that is too long is cut off behind the question:
// who asked comes again over TCP (RFC 2181 §9).
func pack(reply *dns.Msg, limit int) ([]byte, error) {
	reply.Compress = true
	packed, err := reply.Pack()
	if err != nil || len(packed) <= limit {
		return packed, err
	}
	cut := *reply
	cut.Truncated, cut.Answer, cut.Ns, cut.Extra = true, nil, nil, nil
	if opt := reply.IsEdns0(); opt != nil {
		cut.Extra = []dns.RR{opt}
	}
	return cut.Pack()
}
