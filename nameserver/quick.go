package nameserver

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/nameserver/values"
)

// Most queries are alike: one question, perhaps an OPT record, no signature. The quick
// way answers them from packed answers that are kept, without a dns.Msg. What
// it does not understand at once goes the slow way, by handle; where both
// answer they say the same.

// quickQuery is what the quick way understands of a query.
type quickQuery struct {
	name  []byte // of the question, as it came
	end   int    // of the question
	qtype uint16
	edns
}

// parseQuick reads a query, or returns false where it is not of the simple kind.
func parseQuick(packet []byte) (q quickQuery, ok bool) {
	const oneQuestion, noRecords = 1 << 16, 0 // counts of two sections each
	if len(packet) < headerSize+5 || packet[2]&0xFA != 0 ||
		binary.BigEndian.Uint32(packet[4:]) != oneQuestion || binary.BigEndian.Uint16(packet[8:]) != noRecords {
		return q, false
	}
	at := headerSize
	for packet[at] != 0 {
		at += 1 + int(packet[at])
		if at >= len(packet)-4 || at-headerSize > 254 || packet[at] > 63 {
			return q, false
		}
	}
	at++
	if at+4 > len(packet) || packet[headerSize] > 63 || binary.BigEndian.Uint16(packet[at+2:]) != dns.ClassINET {
		return q, false
	}
	q.name, q.qtype, q.end, q.size = packet[headerSize:at], binary.BigEndian.Uint16(packet[at:]), at+4, dns.MinMsgSize
	rest := packet[q.end:]
	switch binary.BigEndian.Uint16(packet[10:]) {
	case 0:
		return q, len(rest) == 0
	case 1:
		return q, q.opt(rest)
	}
	return q, false
}

// opt reads an OPT record (RFC 6891 §6.1.2).
func (q *quickQuery) opt(rr []byte) bool {
	if len(rr) < 11 || rr[0] != 0 || binary.BigEndian.Uint16(rr[1:]) != dns.TypeOPT || rr[5] != 0 || rr[6] != 0 ||
		int(binary.BigEndian.Uint16(rr[9:])) != len(rr)-11 {
		return false
	}
	q.present, q.do = true, rr[7]&0x80 != 0
	q.size = min(max(int(binary.BigEndian.Uint16(rr[3:])), dns.MinMsgSize), udpSize)
	for rest := rr[11:]; len(rest) > 0; {
		if len(rest) < 4 || len(rest)-4 < int(binary.BigEndian.Uint16(rest[2:])) {
			return false
		}
		code, value := binary.BigEndian.Uint16(rest), rest[4:4+binary.BigEndian.Uint16(rest[2:])]
		rest = rest[4+len(value):]
		switch {
		case code == dns.EDNS0COOKIE && cookieLength(len(value)) && q.cookie == nil:
			q.cookie = value
		case code == dns.EDNS0NSID && len(value) == 0:
			q.nsid = true
		default:
			return false
		}
	}
	return true
}

// packedAnswer is an answer without the OPT record, its question in lower case.
type packedAnswer struct {
	packet []byte
	content
	owner  delegation.Name
	qtype  uint16
	serial uint32         // of the zone
	list   []values.Value // what was at the owner
	until  time.Time      // when its signatures are too old or the zone lapses; zero: never
}

// valid reports whether the answer is still right. That to a question for TXT
// records, which are there, does not depend on what else there is in the zone.
func (a *packedAnswer) valid(s *values.Store) bool {
	if a.zone == "" {
		return true
	}
	if !a.until.IsZero() && !time.Now().Before(a.until) {
		return false
	}
	if a.rcode == dns.RcodeSuccess && a.qtype == dns.TypeTXT && len(a.list) > 0 {
		now := s.At(a.zone, a.owner)
		return len(now) == len(a.list) && &now[0] == &a.list[0]
	}
	return a.serial == s.Serial(a.zone)
}

// answerCache keeps packed answers, by name in lower case, type and DO.
type answerCache [16]struct {
	mu      sync.RWMutex
	answers map[string]*packedAnswer
}

const (
	cachedAnswers = 1 << 16 // in all
	maxCacheKey   = 258
)

// cacheKey writes the key of a question into buf.
func cacheKey(buf []byte, q quickQuery) []byte {
	buf = buf[:0]
	for _, c := range q.name {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A' // length octets are below 64
		}
		buf = append(buf, c)
	}
	do := byte(0)
	if q.do {
		do = 1
	}
	return append(buf, byte(q.qtype>>8), byte(q.qtype), do)
}

func (c *answerCache) get(key []byte) *packedAnswer {
	shard := &c[shardOf(key)]
	shard.mu.RLock()
	defer shard.mu.RUnlock()
	return shard.answers[string(key)]
}

// put keeps an answer. A full shard is emptied: what is asked for comes back.
func (c *answerCache) put(key []byte, a *packedAnswer) {
	shard := &c[shardOf(key)]
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if shard.answers == nil || len(shard.answers) >= cachedAnswers/len(c) {
		shard.answers = make(map[string]*packedAnswer)
	}
	shard.answers[string(key)] = a
}

func shardOf(key []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range key {
		h = (h ^ uint32(c)) * 16777619
	}
	return h >> 16 % 16
}

// quick appends the answer to a packet to out; nil where none is sent. What it
// returns of the query is to be observed. It is false where the packet has to go
// the slow way.
func (s *Server) quick(out, packet []byte, from netip.AddrPort, tcp bool) ([]byte, Query, bool) {
	q, ok := parseQuick(packet)
	if !ok || q.qtype == dns.TypeAXFR || q.qtype == dns.TypeIXFR {
		return nil, Query{}, false
	}
	h := s.hosting.Load()
	var buf [maxCacheKey]byte
	key := cacheKey(buf[:], q)
	a := h.cache.get(key)
	if a == nil || !a.valid(h.config.Values) {
		if a = h.packed(key, q); a == nil {
			return nil, Query{}, false
		}
		if a.rcode == dns.RcodeSuccess && !a.missing { // there are too many names that do not exist
			h.cache.put(key, a)
		}
	}
	limit := q.size
	if tcp {
		limit = dns.MaxMsgSize
	}
	out = s.finish(out, packet, a, h, q, from, limit)
	if !tcp {
		out = s.limited(h, out, from.Addr(), a.content, string(a.owner), q.cookie)
	}
	return out, Query{Time: time.Now(), From: from, TCP: tcp, Zone: a.zone, Name: a.owner, Type: a.qtype, Rcode: a.rcode, Values: a.values}, true
}

// packed makes the answer to a question.
func (h *hosting) packed(key []byte, q quickQuery) *packedAnswer {
	name, _, err := dns.UnpackDomainName(key[:len(q.name)], 0)
	if err != nil {
		return nil
	}
	a := &packedAnswer{owner: delegation.Name(name), qtype: q.qtype}
	if z, ok := h.zone(a.owner); ok { // before the answer: what comes in between makes it old, not wrong
		a.serial, a.list = h.config.Values.Serial(z.apex), h.config.Values.At(z.apex, a.owner)
		a.until = z.keptUntil(q.do)
	}
	a.content = h.content(a.owner, q.qtype, q.do)
	m := &dns.Msg{Compress: true, Answer: a.answer, Ns: a.ns, Extra: a.extra}
	m.Response, m.Authoritative, m.Rcode = true, a.aa, a.rcode
	m.Question = []dns.Question{{Name: name, Qtype: q.qtype, Qclass: dns.ClassINET}}
	a.packet, err = m.Pack()
	a.answer, a.ns, a.extra = nil, nil, nil
	if err != nil || len(a.packet) < q.end {
		return nil
	}
	return a
}

// finish makes a packed answer the answer to this very query: with its ID, its
// spelling of the name, and an OPT record if it has one.
func (s *Server) finish(out, packet []byte, a *packedAnswer, h *hosting, q quickQuery, from netip.AddrPort, limit int) []byte {
	whole := len(a.packet) <= limit
	if whole {
		out = append(out, a.packet...)
		if q.present {
			out = s.appendOPT(out, a, h, q, from)
		}
	}
	if !whole || len(out) > limit {
		out = append(out[:0], a.packet[:q.end]...)
		clear(out[6:headerSize]) // no records
		out[2] |= 0x02           // TC
		if q.present {
			out = s.appendOPT(out, a, h, q, from)
		}
	}
	copy(out, packet[:2])
	out[2] |= packet[2] & 0x01 // RD
	out[3] |= packet[3] & 0x10 // CD
	copy(out[headerSize:], q.name)
	return out
}

// appendOPT adds the OPT record.
func (s *Server) appendOPT(out []byte, a *packedAnswer, h *hosting, q quickQuery, from netip.AddrPort) []byte {
	binary.BigEndian.PutUint16(out[10:], binary.BigEndian.Uint16(out[10:])+1)
	flags := byte(0)
	if q.do {
		flags = 0x80
	}
	out = append(out, 0, 0, byte(dns.TypeOPT), udpSize>>8, udpSize&0xFF, 0, 0, flags, 0, 0, 0)
	start := len(out)
	if q.cookie != nil {
		out = appendOption(out, dns.EDNS0COOKIE, s.cookies.answer(q.cookie, from.Addr()))
	}
	if q.nsid && h.config.NSID != "" {
		out = appendOption(out, dns.EDNS0NSID, []byte(h.config.NSID))
	}
	if a.edeText != "" {
		out = appendOption(out, dns.EDNS0EDE, append([]byte{byte(a.edeCode >> 8), byte(a.edeCode)}, a.edeText...))
	}
	binary.BigEndian.PutUint16(out[start-2:], uint16(len(out)-start))
	return out
}

func appendOption(out []byte, code uint16, value []byte) []byte {
	out = binary.BigEndian.AppendUint16(out, code)
	out = binary.BigEndian.AppendUint16(out, uint16(len(value)))
	return append(out, value...)
}
