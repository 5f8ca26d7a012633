package nameserver

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// FuzzPacket has the quick way and the slow one answer the same packets, about
// zones without and with signatures: neither panics, where both answer they say
// the same, and what is signed is signed well.
func FuzzPacket(f *testing.F) {
	signer, err := OpenSigner(filepath.Join(f.TempDir(), "key.pem"))
	if err != nil {
		f.Fatal(err)
	}
	servers := []*Server{fuzzed(f, nil, false), fuzzed(f, signer, false), fuzzed(f, signer, true)}
	for _, name := range []string{"www.auth.example.net.", "Auth.Example.Net.", "none.auth.example.net.", "b.auth.example.net.", "example.org.", ".", `a\.\000b.auth.example.net.`,
		"_acme-challenge.X.example.com.", strings.Repeat("a.", 118) + "auth.example.net.", strings.Repeat(strings.Repeat("a", 47)+".", 4) + strings.Repeat("a", 41) + ".auth.example.net."} {
		for _, qtype := range []uint16{dns.TypeTXT, dns.TypeNS, dns.TypeANY, dns.TypeIXFR, dns.TypeNSEC, dns.TypeDNSKEY, dns.TypeRRSIG, dns.TypeDS, typeNXNAME} {
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
		for _, s := range servers {
			for _, tcp := range []bool{false, true} {
				sameBothWays(t, s, packet, tcp)
			}
		}
	})
}

// fuzzed makes a server whose zones are signed if signer is.
func fuzzed(f *testing.F, signer *Signer, nsec bool) *Server {
	c := world()
	for n := range c.Zones {
		c.Zones[n].Signer, c.Zones[n].NSEC = signer, nsec
	}
	put(f, c.Values, "auth.example.net.", "www.auth.example.net.", "one", "two")
	return newServer(f, c)
}

// sameBothWays answers a packet the quick way and the slow one.
func sameBothWays(t *testing.T, s *Server, packet []byte, tcp bool) {
	quick, _, ok := s.quick(nil, packet, somebody, tcp)
	slow := s.handle(t.Context(), bytes.Clone(packet), somebody, tcp)
	if len(slow) > 0 && (slow[2]&0x80 == 0 || !bytes.Equal(slow[:2], packet[:2])) {
		t.Fatalf("got an answer to something else: %x", slow)
	}
	if !ok {
		return
	}
	a, b := new(dns.Msg), new(dns.Msg)
	if err := a.Unpack(quick); err != nil {
		t.Fatalf("the quick way: %v: %x", err, quick)
	}
	if err := b.Unpack(slow); err != nil {
		t.Fatalf("the slow way: %v: %x", err, slow)
	}
	signedWell(t, s, a)
	provesWell(t, s, a)
	if canonical(a) != canonical(b) {
		t.Fatalf("the quick way:\n%s\nthe slow way:\n%s", canonical(a), canonical(b))
	}
}

// signedWell checks all signatures in an answer.
func signedWell(t *testing.T, s *Server, m *dns.Msg) {
	for _, list := range [][]dns.RR{m.Answer, m.Ns} {
		for _, rr := range list {
			signature, ok := rr.(*dns.RRSIG)
			if !ok {
				continue
			}
			z, _ := s.hosting.Load().zone(delegation.Name(dns.CanonicalName(signature.SignerName)))
			set := slices.DeleteFunc(slices.Clone(list), func(rr dns.RR) bool {
				return rr.Header().Rrtype != signature.TypeCovered || !strings.EqualFold(rr.Header().Name, signature.Hdr.Name)
			})
			if z.hosted == nil || z.Signer == nil {
				t.Fatalf("got a signature by nobody: %v", signature)
			}
			if err := signature.Verify(z.Signer.dnskey(z.apex), set); err != nil {
				t.Fatalf("%v: %v\n%v", err, signature, m)
			}
		}
	}
}

// provesWell checks that a negative answer about a signed zone, to somebody who
// wants proofs, has all that it needs (RFC 4035 §3.1.3, RFC 9824).
func provesWell(t *testing.T, s *Server, m *dns.Msg) {
	opt := m.IsEdns0()
	if opt == nil || !opt.Do() || len(m.Answer) > 0 || len(m.Ns) == 0 || m.Truncated {
		return
	}
	name := delegation.Name(dns.CanonicalName(m.Question[0].Name))
	z, _ := s.hosting.Load().zone(name)
	if z.hosted == nil || z.Signer == nil {
		return
	}
	covered := func(name delegation.Name) *dns.NSEC {
		at := order(name)
		for _, rr := range m.Ns {
			nsec, ok := rr.(*dns.NSEC)
			if !ok {
				continue
			}
			owner, next := order(delegation.Name(dns.CanonicalName(nsec.Hdr.Name))), order(delegation.Name(dns.CanonicalName(nsec.NextDomain)))
			if owner == at || owner < at && (at < next || next == order(z.apex)) {
				return nsec
			}
		}
		t.Fatalf("nothing is said about %s:\n%v", name, m)
		return nil
	}
	nsec := covered(name)
	exact := dns.CanonicalName(nsec.Hdr.Name) == string(name)
	switch {
	case exact && (m.Rcode != dns.RcodeSuccess || slices.Contains(nsec.TypeBitMap, m.Question[0].Qtype) && m.Question[0].Qtype != dns.TypeRRSIG):
		t.Fatalf("the name has what is said not to be there:\n%v", m)
	case !exact && m.Rcode == dns.RcodeSuccess && !dns.IsSubDomain(string(name), dns.CanonicalName(nsec.NextDomain)):
		t.Fatalf("it is not shown that the name exists:\n%v", m)
	case !exact && m.Rcode == dns.RcodeNameError:
		above := name.Parent()
		for !dns.IsSubDomain(string(above), dns.CanonicalName(nsec.Hdr.Name)) && !dns.IsSubDomain(string(above), dns.CanonicalName(nsec.NextDomain)) {
			above = above.Parent()
		}
		covered("*." + above)
	}
}

// canonical returns a message without what may differ: the case of names in
// records that refer to the question, and the time in cookies and signatures.
func canonical(m *dns.Msg) string {
	for _, list := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for n, rr := range list {
			rr.Header().Name = dns.CanonicalName(rr.Header().Name)
			switch rr := rr.(type) {
			case *dns.SOA:
				rr.Ns, rr.Mbox = dns.CanonicalName(rr.Ns), dns.CanonicalName(rr.Mbox)
			case *dns.NS:
				rr.Ns = dns.CanonicalName(rr.Ns)
			case *dns.NSEC:
				rr.NextDomain = dns.CanonicalName(rr.NextDomain)
			case *dns.OPT:
				for _, option := range rr.Option {
					if cookie, ok := option.(*dns.EDNS0_COOKIE); ok && len(cookie.Cookie) > 24 {
						cookie.Cookie = cookie.Cookie[:24] // the time comes after it
					}
				}
			case *dns.RRSIG:
				rr.SignerName = dns.CanonicalName(rr.SignerName)
				rr.Inception, rr.Expiration, rr.Signature = 0, 0, ""
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
		answer, _, ok := s.quick(nil, packed, somebody, false)
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

// TestQuickAllocatesNothing has the same questions answered again and again: one
// with a short answer, and one whose answer is cut off.
func TestQuickAllocatesNothing(t *testing.T) {
	c := world()
	put(t, c.Values, auth, "www.auth.example.net.", "one")
	for n := range 50 {
		put(t, c.Values, auth, "many.auth.example.net.", fmt.Sprintf("%043d", n))
	}
	s := newServer(t, c)
	for _, name := range []string{"www.auth.example.net.", "many.auth.example.net."} {
		q := new(dns.Msg).SetQuestion(name, dns.TypeTXT)
		addOption(q, &dns.EDNS0_NSID{Code: dns.EDNS0NSID})
		packed, _ := q.Pack()
		out := make([]byte, 0, udpSize)
		if got := testing.AllocsPerRun(100, func() { s.quick(out, packed, somebody, false) }); got != 0 {
			t.Errorf("%s: got %v allocations a query, want none", name, got)
		}
	}
}
