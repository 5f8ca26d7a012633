package nameserver

import (
	"bytes"
	"testing"

	"github.com/miekg/dns"
)

// FuzzPacket has the quick way and the slow one answer the same packets: neither
// panics, and where both answer they say the same.
func FuzzPacket(f *testing.F) {
	c := world()
	put(f, c.Values, "auth.example.net.", "www.auth.example.net.", "one", "two")
	s := newServer(f, c)
	for _, name := range []string{"www.auth.example.net.", "Auth.Example.Net.", "none.auth.example.net.", "example.org.", ".", `a\.\000b.auth.example.net.`} {
		for _, qtype := range []uint16{dns.TypeTXT, dns.TypeNS, dns.TypeANY, dns.TypeIXFR} {
			q := new(dns.Msg).SetQuestion(name, qtype)
			packed, _ := q.Pack()
			f.Add(packed)
			q.SetEdns0(700, true)
			addOption(q, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0102030405060708"})
			addOption(q, &dns.EDNS0_NSID{Code: dns.EDNS0NSID})
			packed, _ = q.Pack()
			f.Add(packed)
			q.Opcode = dns.OpcodeNotify
			q.SetTsig("k.", dns.HmacSHA256, 300, 1)
			packed, _ = q.Pack()
			f.Add(packed)
		}
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		for _, tcp := range []bool{false, true} {
			quick, ok := s.quick(nil, packet, somebody, tcp)
			slow := s.handle(t.Context(), bytes.Clone(packet), somebody, tcp)
			if len(slow) > 0 && (slow[2]&0x80 == 0 || !bytes.Equal(slow[:2], packet[:2])) {
				t.Fatalf("got an answer to something else: %x", slow)
			}
			if !ok {
				continue
			}
			a, b := new(dns.Msg), new(dns.Msg)
			if err := a.Unpack(quick); err != nil {
				t.Fatalf("the quick way: %v: %x", err, quick)
			}
			if err := b.Unpack(slow); err != nil {
				t.Fatalf("the slow way: %v: %x", err, slow)
			}
			if canonical(a) != canonical(b) {
				t.Fatalf("the quick way:\n%s\nthe slow way:\n%s", canonical(a), canonical(b))
			}
		}
	})
}

// canonical returns a message without what may differ: the case of names in
// records that refer to the question.
func canonical(m *dns.Msg) string {
	for _, list := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for n, rr := range list {
			rr.Header().Name = dns.CanonicalName(rr.Header().Name)
			switch rr := rr.(type) {
			case *dns.SOA:
				rr.Ns, rr.Mbox = dns.CanonicalName(rr.Ns), dns.CanonicalName(rr.Mbox)
			case *dns.NS:
				rr.Ns = dns.CanonicalName(rr.Ns)
			}
			list[n] = rr
		}
	}
	return m.String()
}

// TestQuickSeesChanges asks after every kind of change that matters to an
// answer that is kept.
func TestQuickSeesChanges(t *testing.T) {
	c := world()
	s := newServer(t, c)
	ask := func(name string, qtype uint16) *dns.Msg {
		t.Helper()
		packed, _ := new(dns.Msg).SetQuestion(name, qtype).Pack()
		answer, ok := s.quick(nil, packed, somebody, false)
		m := new(dns.Msg)
		if !ok || m.Unpack(answer) != nil {
			t.Fatalf("%s: no quick answer", name)
		}
		return m
	}
	const name = "www.auth.example.net."
	expect := func(texts int) {
		t.Helper()
		serial := c.Values.Serial("auth.example.net.")
		for range 2 {
			if got := len(ask(name, dns.TypeTXT).Answer); got != texts {
				t.Errorf("got %d values, want %d", got, texts)
			}
			if soa := ask("auth.example.net.", dns.TypeSOA).Answer[0].(*dns.SOA); soa.Serial != serial {
				t.Errorf("got serial %d, want %d", soa.Serial, serial)
			}
			if soa := ask("auth.example.net.", dns.TypeA).Ns[0].(*dns.SOA); soa.Serial != serial {
				t.Errorf("got serial %d in a negative answer, want %d", soa.Serial, serial)
			}
		}
	}
	expect(0)
	put(t, c.Values, "auth.example.net.", name, "1")
	expect(1)
	put(t, c.Values, "auth.example.net.", name, "2")
	expect(2)
	put(t, c.Values, "auth.example.net.", "other.auth.example.net.", "2")
	expect(2)
	for _, v := range c.Values.At("auth.example.net.", name) {
		if err := c.Values.Remove("auth.example.net.", v); err != nil {
			t.Fatal(err)
		}
	}
	expect(0)
	c.Zones = c.Zones[1:]
	if err := s.Reload(c); err != nil {
		t.Fatal(err)
	}
	if got := ask(name, dns.TypeTXT); got.Rcode != dns.RcodeRefused {
		t.Errorf("got %v after the zone was taken out, want REFUSED", got)
	}
}

// BenchmarkQuick measures the quick way without sockets.
func BenchmarkQuick(b *testing.B) {
	c := world()
	put(b, c.Values, "auth.example.net.", "www.auth.example.net.", "one")
	s := newServer(b, c)
	for _, name := range []string{"www.auth.example.net.", "none.auth.example.net."} {
		packed, _ := new(dns.Msg).SetQuestion(name, dns.TypeTXT).SetEdns0(1232, false).Pack()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			out := make([]byte, 0, 4096)
			for b.Loop() {
				s.quick(out, packed, somebody, false)
			}
		})
	}
}
