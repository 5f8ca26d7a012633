package nameserver

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"iter"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/nameserver/values"
)

// A zone is transferred as every zone is (RFC 5936, RFC 1995), so any server can
// be a secondary. One of our own also needs to know whom the values belong to and
// until when they stay, so that it can take over: it says so by an EDNS option,
// and gets a further record for each value.
const (
	optionValues uint16 = 65280 // of those for local use, RFC 6891 §9
	typeValue    uint16 = 65280 // of those for private use, RFC 6895 §3.1
)

// valueRecord returns a value as a record for another server of our kind.
func valueRecord(v values.Value) dns.RR {
	var expires int64
	if !v.Expires.IsZero() {
		expires = v.Expires.UnixMilli()
	}
	data := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(nil, v.TTL), uint64(expires))
	data = append(append(append(data, byte(len(v.Key))), v.Key...), v.Text...)
	return &dns.RFC3597{Hdr: header(v.Owner, typeValue, 0), Rdata: hex.EncodeToString(data)}
}

var errValue = errors.New("a record about a value cannot be read")

// parseValue is the opposite of valueRecord.
func parseValue(rr dns.RR) (v values.Value, err error) {
	r, ok := rr.(*dns.RFC3597)
	if !ok {
		return v, errValue
	}
	data, err := hex.DecodeString(r.Rdata)
	if err != nil || len(data) < 13 || len(data) < 13+int(data[12]) {
		return v, errValue
	}
	v.Owner, v.TTL = delegation.Name(dns.CanonicalName(r.Hdr.Name)), binary.BigEndian.Uint32(data)
	if expires := int64(binary.BigEndian.Uint64(data[4:])); expires != 0 {
		v.Expires = time.UnixMilli(expires)
	}
	end := 13 + int(data[12])
	v.Key, v.Text = string(data[13:end]), string(data[end:])
	return v, nil
}

// transferAsked returns the message if it asks for a zone transfer.
func transferAsked(packet []byte) *dns.Msg {
	m := new(dns.Msg)
	if len(packet) < headerSize || packet[2]&0x80 != 0 || opcode(packet) != dns.OpcodeQuery || m.Unpack(packet) != nil || len(m.Question) != 1 {
		return nil
	}
	if t := m.Question[0].Qtype; t != dns.TypeAXFR && t != dns.TypeIXFR {
		return nil
	}
	return m
}

// mayTransfer reports whether a message may have a zone: it is signed with a
// key of one of the zone's secondaries.
func (z zone) mayTransfer(key delegation.Name) bool {
	return key != "" && slices.ContainsFunc(z.Secondaries, func(p Peer) bool { return p.Key == key })
}

// transfer answers a message that asks for a zone, over TCP. It is false where
// its sender may not have the zone: then it is answered like other messages.
func (s *Server) transfer(out *bufio.Writer, packet []byte, m *dns.Msg, from netip.AddrPort) (bool, error) {
	h, t := s.hosting.Load(), m.IsTsig()
	name := delegation.Name(dns.CanonicalName(m.Question[0].Name))
	z, ok := h.zone(name)
	f := h.familyOf(name)
	if f != nil {
		z, ok = zone{f, name}, true
	}
	if !ok || z.apex != name || m.Question[0].Qclass != dns.ClassINET || t == nil {
		return false, nil
	}
	key := delegation.Name(dns.CanonicalName(t.Hdr.Name))
	own := wantsValues(m)
	if !z.mayTransfer(key) || h.keys.verify(bytes.Clone(packet), t) != dns.RcodeSuccess || f != nil && !own || !z.ready() || z.expired() {
		s.refused("transfer refused", "zone", name.Bare(), "to", from.String(), "key", key.Bare())
		return false, nil
	}
	var list iter.Seq2[dns.RR, error]
	switch {
	case f != nil:
		list = each(h.family(f))
	case z.Signer != nil && !own:
		list = z.signedTransfer(m)
	default:
		list = each(z.transferred(m, own))
	}
	count, err := h.stream(out, m, t, list)
	s.log.Info("transfer", "zone", name.Bare(), "to", from.String(), "key", key.Bare(), "records", count)
	return true, err
}

func wantsValues(m *dns.Msg) bool {
	opt := m.IsEdns0()
	return opt != nil && slices.ContainsFunc(opt.Option, func(o dns.EDNS0) bool { return o.Option() == optionValues })
}

// each returns the records of a list one by one.
func each(list []dns.RR) iter.Seq2[dns.RR, error] {
	return func(yield func(dns.RR, error) bool) {
		for _, rr := range list {
			if !yield(rr, nil) {
				return
			}
		}
	}
}

// signedTransfer returns the records of a transfer to a server that does not sign
// the zone itself.
func (z zone) signedTransfer(m *dns.Msg) iter.Seq2[dns.RR, error] {
	if serial, ok := haveSerial(m); ok {
		if list, ok := z.signedDifference(serial); ok {
			return each(list)
		}
	}
	return z.version().all()
}

// transferred returns the records of a transfer in their order, without
// signatures.
func (z zone) transferred(m *dns.Msg, own bool) []dns.RR {
	if serial, ok := haveSerial(m); ok {
		if c, ok := z.values.Since(z.apex, serial); ok && (own || !c.Framed) {
			return z.difference(c, serial, own)
		}
	}
	list, serial := z.values.All(z.apex)
	soa := z.soaAt(serial)
	records := append([]dns.RR{soa}, z.ns()...)
	for _, name := range sortedNames(z.fixed) {
		records = append(records, z.fixed[name]...)
	}
	for _, set := range values.ByOwner(list) {
		records = append(records, z.textsOf(set)...)
		records = append(records, valueRecords(set, own)...)
	}
	return append(records, soa)
}

// haveSerial returns the serial that an IXFR says its sender has (RFC 1995 §3).
func haveSerial(m *dns.Msg) (uint32, bool) {
	if m.Question[0].Qtype != dns.TypeIXFR || len(m.Ns) != 1 {
		return 0, false
	}
	soa, ok := m.Ns[0].(*dns.SOA)
	if !ok {
		return 0, false
	}
	return soa.Serial, true
}

// difference returns what has changed since a serial, in one step (RFC 1995 §4).
func (z zone) difference(c values.Changes, since uint32, own bool) []dns.RR {
	soa := z.soaAt(c.Now)
	if c.Now == since {
		return []dns.RR{soa}
	}
	var removed, added []dns.RR
	for _, owner := range sortedNames(c.After) {
		before := append(z.textsOf(c.Before[owner]), valueRecords(c.Before[owner], own)...)
		after := append(z.textsOf(c.After[owner]), valueRecords(c.After[owner], own)...)
		removed, added = append(removed, without(before, after)...), append(added, without(after, before)...)
	}
	return slices.Concat([]dns.RR{soa, z.soaAt(since)}, removed, []dns.RR{soa}, added, []dns.RR{soa})
}

// without returns the records of a list that are not in another one, with the
// same TTL.
func without(list, other []dns.RR) []dns.RR {
	have := map[string]bool{}
	for _, rr := range other {
		have[rr.String()] = true
	}
	return slices.DeleteFunc(slices.Clone(list), func(rr dns.RR) bool { return have[rr.String()] })
}

func valueRecords(list []values.Value, own bool) []dns.RR {
	var records []dns.RR
	for _, v := range list {
		if own {
			records = append(records, valueRecord(v))
		}
	}
	return records
}

// transferSize is about how long the messages of a transfer are, in octets.
const transferSize = 16 << 10

// stream writes records as so many messages as they need, each signed (RFC
// 8945 §5.3.1), and returns how many records there were. After an error the
// connection is of no more use.
func (h *hosting) stream(out *bufio.Writer, m *dns.Msg, t *dns.TSIG, list iter.Seq2[dns.RR, error]) (count int, err error) {
	e := envelope{keys: h.keys, asked: m, tsig: t, mac: t.MAC}
	for rr, err := range list {
		if err == nil && e.size >= transferSize {
			err = e.send(out)
		}
		if err != nil {
			return count, err
		}
		e.records, e.size = append(e.records, rr), e.size+dns.Len(rr)
		count++
	}
	if err := e.send(out); err != nil {
		return count, err
	}
	return count, out.Flush()
}

// envelope is a message of a transfer.
type envelope struct {
	keys    keyring
	asked   *dns.Msg
	tsig    *dns.TSIG // of asked
	mac     string    // of the message before, at first that of asked
	sent    bool      // there was one before
	records []dns.RR
	size    int // of records, in octets
}

// send writes the message and begins the next.
func (e *envelope) send(out *bufio.Writer) error {
	reply := &dns.Msg{Compress: true}
	reply.SetReply(e.asked)
	reply.Authoritative, reply.Answer = true, e.records
	reply.SetTsig(e.tsig.Hdr.Name, e.tsig.Algorithm, tsigFudge, time.Now().Unix())
	packed, mac, err := dns.TsigGenerateWithProvider(reply, e.keys, e.mac, e.sent)
	if err != nil {
		return err
	}
	e.mac, e.sent, e.records, e.size = mac, true, nil, 0
	return writeMessage(out, packed)
}
