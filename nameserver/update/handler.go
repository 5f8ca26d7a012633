package update

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/nameserver/access"
	"certctl/nameserver/values"
)

// Zones is what is served.
type Zones interface {
	// Serves reports whether there is a zone with this apex.
	Serves(apex delegation.Name) bool

	// Records returns the records at a name of the zone, of all types; none
	// where there is no such name. They are the caller's own.
	Records(apex, name delegation.Name) []dns.RR
}

// Handler answers updates. It is safe for concurrent use.
type Handler struct {
	Zones Zones
	Keys  map[delegation.Name]*Key // by name
	Desk  *access.Desk
	Gate  *access.Gate // nil: nobody is locked out
}

// Update answers one packed message whose opcode is UPDATE. It returns nil where
// there is nothing to say, because it is no message.
func (h *Handler) Update(ctx context.Context, packet []byte, from netip.Addr, tcp bool) []byte {
	q := new(dns.Msg)
	if err := q.Unpack(packet); err != nil {
		return malformed(packet)
	}
	m := new(dns.Msg).SetReply(q)
	key, t := h.authenticate(ctx, packet, q, from, tcp)
	switch {
	case t == nil && q.IsTsig() == nil:
		m.Rcode = dns.RcodeRefused
	case t == nil:
		m.Rcode = dns.RcodeFormatError
	case t.Error != 0:
		m.Rcode = dns.RcodeNotAuth
	default:
		m.Rcode = h.apply(ctx, q, access.Visit{Key: &key.Key, Way: "update", From: from})
	}
	return sign(m, q, t, key)
}

// malformed answers what cannot be read beyond its header.
func malformed(packet []byte) []byte {
	if len(packet) < 12 {
		return nil
	}
	reply := make([]byte, 12)
	copy(reply, packet[:2])
	reply[2] = 1<<7 | packet[2]&0x78 // a response, with the same opcode
	reply[3] = dns.RcodeFormatError
	return reply
}

// authenticate finds the key of a message. It returns the TSIG record of the
// answer, whose Error says what was wrong; none where the message has none, or
// one that is not in its place.
func (h *Handler) authenticate(ctx context.Context, packet []byte, q *dns.Msg, from netip.Addr, tcp bool) (*Key, *dns.TSIG) {
	t := q.IsTsig()
	if t == nil || misplaced(q) {
		return nil, nil
	}
	reply := &dns.TSIG{
		Hdr:       dns.RR_Header{Name: t.Hdr.Name, Rrtype: dns.TypeTSIG, Class: dns.ClassANY},
		Algorithm: t.Algorithm, Fudge: t.Fudge, OrigId: q.Id, TimeSigned: uint64(time.Now().Unix()),
	}
	name := delegation.Name(dns.CanonicalName(t.Hdr.Name))
	key, known := h.Keys[name]
	switch {
	case !known:
		reply.Error = dns.RcodeBadKey
	case tcp && h.Gate != nil && !h.Gate.LockedUntil(from, key.ID).IsZero():
		reply.Error = dns.RcodeBadSig
	default:
		reply.Error = key.verify(packet, t)
	}
	h.count(ctx, name, reply.Error, from, tcp)
	if reply.Error == dns.RcodeBadTime {
		reply.TimeSigned = t.TimeSigned
		reply.OtherLen, reply.OtherData = 6, fmt.Sprintf("%012x", time.Now().Unix())
	}
	return key, reply
}

// misplaced reports whether a message has a TSIG record elsewhere than at its
// very end (RFC 8945 §5.1).
func misplaced(q *dns.Msg) bool {
	isTSIG := func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeTSIG }
	return slices.ContainsFunc(slices.Concat(q.Answer, q.Ns, q.Extra[:len(q.Extra)-1]), isTSIG)
}

// count tells the gate and the log how it went.
func (h *Handler) count(ctx context.Context, name delegation.Name, code uint16, from netip.Addr, tcp bool) {
	key, called := h.Keys[name], "(unknown)"
	if key != nil {
		called = key.ID
	}
	if code != 0 {
		h.Desk.Failed(ctx, called, "update", from, dns.RcodeToString[int(code)])
	}
	switch {
	case h.Gate == nil || !tcp || key == nil:
	case code == 0:
		h.Gate.Passed(from, key.ID)
	case code == dns.RcodeBadSig:
		h.Gate.Failed(from, key.ID)
	}
}

// sign packs an answer with the TSIG record, signed unless it says that the
// signature of the question was wrong (RFC 8945 §5.3.2).
func sign(m, q *dns.Msg, t *dns.TSIG, key *Key) []byte {
	if t == nil {
		packed, _ := m.Pack()
		return packed
	}
	m.Extra = append(m.Extra, t)
	secret := ""
	if key != nil {
		secret = key.secret
	}
	packed, _, _ := dns.TsigGenerate(m, secret, q.IsTsig().MAC, false)
	return packed
}

// apply does what an authenticated update asks for, in the order of RFC 2136
// §3.1 to §3.4, and returns the rcode.
func (h *Handler) apply(ctx context.Context, q *dns.Msg, v access.Visit) int {
	if len(q.Question) != 1 || q.Question[0].Qtype != dns.TypeSOA {
		return dns.RcodeFormatError
	}
	apex, err := delegation.ParseName(q.Question[0].Name)
	if err != nil || q.Question[0].Qclass != dns.ClassINET || !h.Zones.Serves(apex) {
		return dns.RcodeNotAuth
	}
	z := &zone{Zones: h.Zones, values: h.Desk.Values, apex: apex}
	if code := z.prerequisites(q.Answer); code != dns.RcodeSuccess {
		return code
	}
	request, code := z.request(q.Ns, v.Key)
	if code != dns.RcodeSuccess {
		return code
	}
	return rcode(h.Desk.Do(ctx, v, request))
}

// rcode says how it went.
func rcode(err error) int {
	var forbidden *access.ForbiddenError
	var value *access.ValueError
	var refused *values.RefusedError
	var secondary *values.SecondaryError
	switch {
	case err == nil:
		return dns.RcodeSuccess
	case errors.As(err, &forbidden), errors.As(err, &value), errors.As(err, &refused), errors.As(err, &secondary):
		return dns.RcodeRefused
	}
	return dns.RcodeServerFailure
}
