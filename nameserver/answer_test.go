package nameserver

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/nameserver/values"
)

var somebody = netip.MustParseAddrPort("198.51.100.7:5353")

func put(t testing.TB, s *values.Store, zone, owner delegation.Name, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err := s.Put(zone, values.Value{Owner: owner, Text: text, Key: "k"}); err != nil {
			t.Fatal(err)
		}
	}
}

// text returns an answer as a line a section, with SERIAL for the serial.
func text(m *dns.Msg) string {
	var flags []string
	for flag, set := range map[string]bool{"aa": m.Authoritative, "tc": m.Truncated, "ra": m.RecursionAvailable, "ad": m.AuthenticatedData} {
		if set {
			flags = append(flags, flag)
		}
	}
	slices.Sort(flags)
	lines := []string{strings.TrimSpace(dns.RcodeToString[m.Rcode] + " " + strings.Join(flags, " "))}
	for section, list := range map[string][]dns.RR{"1 answer": m.Answer, "2 authority": m.Ns, "3 additional": m.Extra} {
		for _, rr := range list {
			if rr.Header().Rrtype != dns.TypeOPT {
				lines = append(lines, section+" "+strings.Join(strings.Fields(rr.String()), " "))
			}
		}
	}
	slices.Sort(lines[1:])
	return serials.ReplaceAllString(strings.Join(lines, "\n"), "SERIAL 300")
}

var serials = regexp.MustCompile(`\d+ 300\b`)

func TestAnswer(t *testing.T) {
	c := world()
	const auth, www = delegation.Name("auth.example.net."), delegation.Name("_acme-challenge.www.example.com.")
	put(t, c.Values, auth, "www.auth.example.net.", "one", "two")
	put(t, c.Values, auth, "x.y.auth.example.net.", "deep")
	put(t, c.Values, www, www, "three")
	s := newServer(t, c)
	const (
		soa    = " 10 IN SOA ns1.auth.example.net. hostmaster.ns1.auth.example.net. SERIAL 300 60 1209600 10"
		glue   = "\n3 additional ns1.auth.example.net. 3600 IN A 192.0.2.1\n3 additional ns1.auth.example.net. 3600 IN AAAA 2001:db8::1"
		noData = "NOERROR aa\n2 authority auth.example.net." + soa
		noName = "NXDOMAIN aa\n2 authority auth.example.net." + soa
	)
	for _, test := range []struct{ question, want string }{
		{"www.auth.example.net. TXT", "NOERROR aa\n1 answer www.auth.example.net. 60 IN TXT \"one\"\n1 answer www.auth.example.net. 60 IN TXT \"two\""},
		{"wWw.AUTH.example.NET. TXT", "NOERROR aa\n1 answer www.auth.example.net. 60 IN TXT \"one\"\n1 answer www.auth.example.net. 60 IN TXT \"two\""},
		{"www.auth.example.net. ANY", "NOERROR aa\n1 answer www.auth.example.net. 60 IN TXT \"one\"\n1 answer www.auth.example.net. 60 IN TXT \"two\""},
		{"www.auth.example.net. A", noData},
		{"www.auth.example.net. TYPE65280", noData},
		{"y.auth.example.net. TXT", noData},
		{"y.auth.example.net. ANY", noData},
		{"b.auth.example.net. TXT", noData},
		{"a.b.auth.example.net. A", "NOERROR aa\n1 answer a.b.auth.example.net. 3600 IN A 192.0.2.3"},
		{"a.b.auth.example.net. TXT", noData},
		{"z.www.auth.example.net. TXT", noName},
		{"none.auth.example.net. TXT", noName},
		{"none.auth.example.net. ANY", noName},
		{"auth.example.net. TXT", noData},
		{"auth.example.net. DS", noData},
		{"auth.example.net. DNSKEY", noData},
		{"auth.example.net. SOA", "NOERROR aa\n1 answer auth.example.net." + soa},
		{"auth.example.net. CAA", "NOERROR aa\n1 answer auth.example.net. 3600 IN CAA 0 issue \"ca.example\""},
		{"auth.example.net. NS", "NOERROR aa\n1 answer auth.example.net. 3600 IN NS ns1.auth.example.net.\n1 answer auth.example.net. 3600 IN NS ns2.example.org." + glue},
		{"ns1.auth.example.net. A", "NOERROR aa\n1 answer ns1.auth.example.net. 3600 IN A 192.0.2.1"},
		{string(www) + " TXT", "NOERROR aa\n1 answer _acme-challenge.www.example.com. 60 IN TXT \"three\""},
		{string(www) + " CAA", "NOERROR aa\n2 authority _acme-challenge.www.example.com." + soa},
		{"_acme-challenge.example.com. SOA", "NOERROR aa\n1 answer _acme-challenge.example.com." + soa},
		{"_acme-challenge.a.b.example.com. NS", "NOERROR aa\n1 answer _acme-challenge.a.b.example.com. 3600 IN NS ns1.auth.example.net.\n1 answer _acme-challenge.a.b.example.com. 3600 IN NS ns2.example.org." + glue},
		{"x._acme-challenge.a._acme-challenge.example.com. TXT", "NXDOMAIN aa\n2 authority _acme-challenge.example.com." + soa},
		{"_acme-challenge.www.example.org. TXT", "NOERROR aa\n2 authority _acme-challenge.www.example.org." + soa},
		{"www.example.com. TXT", "REFUSED"},
		{"example.com. SOA", "REFUSED"},
		{"_acme-challenge.example.org. TXT", "REFUSED"},
		{"example.net. DS", "REFUSED"},
		{". NS", "REFUSED"},
		{"auth.example.net. AXFR", "REFUSED"},
		{"auth.example.net. MAILB", "NOTIMP"},
		{"auth.example.net. OPT", "FORMERR"},
	} {
		name, qtype, _ := strings.Cut(test.question, " ")
		q := new(dns.Msg).SetQuestion(name, typeOf(qtype))
		q.CheckingDisabled = true
		for _, size := range []uint16{0, 4096} {
			if size > 0 {
				q.SetEdns0(size, false)
			}
			m := s.Answer(q, somebody, false)
			if got := text(m); got != test.want {
				t.Errorf("%s: got\n%s\nwant\n%s", test.question, got, test.want)
			}
			if m.Id != q.Id || !m.Response || !m.RecursionDesired || !m.CheckingDisabled || m.Question[0].Name != name {
				t.Errorf("%s: got a header or question that is not that of the query: %v", test.question, m)
			}
			if opt := m.IsEdns0(); (opt != nil) != (size > 0) || opt != nil && opt.UDPSize() != 1232 {
				t.Errorf("%s: got %v for a query with EDNS size %d", test.question, opt, size)
			}
		}
	}
}

func typeOf(word string) uint16 {
	if word == "TYPE65280" {
		return 65280
	}
	return dns.StringToType[word]
}

func TestMessagesThatAreNoQueries(t *testing.T) {
	s := newServer(t, world())
	question := func(change func(*dns.Msg)) *dns.Msg {
		m := new(dns.Msg).SetQuestion("auth.example.net.", dns.TypeSOA)
		change(m)
		return m
	}
	twoOPT := question(func(m *dns.Msg) { m.SetEdns0(1232, false).SetEdns0(1232, false) })
	for want, q := range map[string]*dns.Msg{
		"NOTIMP 1":  question(func(m *dns.Msg) { m.Opcode = dns.OpcodeStatus }),
		"NOTIMP 2":  question(func(m *dns.Msg) { m.Opcode = dns.OpcodeIQuery }),
		"REFUSED 3": question(func(m *dns.Msg) { m.Opcode = dns.OpcodeUpdate }),
		"REFUSED 4": question(func(m *dns.Msg) {
			m.Question[0] = dns.Question{Name: "version.bind.", Qtype: dns.TypeTXT, Qclass: dns.ClassCHAOS}
		}),
		"REFUSED 5":  question(func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassANY }),
		"FORMERR 6":  question(func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }),
		"FORMERR 7":  question(func(m *dns.Msg) { m.Question = nil }),
		"FORMERR 8":  question(func(m *dns.Msg) { m.Answer = []dns.RR{&dns.A{Hdr: header("a.", dns.TypeA, 1), A: []byte{1, 2, 3, 4}}} }),
		"FORMERR 9":  twoOPT,
		"BADVERS 10": question(func(m *dns.Msg) { m.SetEdns0(1232, false).IsEdns0().SetVersion(1) }),
		"FORMERR 11": question(func(m *dns.Msg) { addOption(m, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0011"}) }),
	} {
		m := s.Answer(q, somebody, true)
		if got := dns.RcodeToString[m.Rcode]; got != strings.Fields(want)[0] && !(m.Rcode == dns.RcodeBadVers && strings.HasPrefix(want, "BADVERS")) || m.Authoritative {
			t.Errorf("got %s, want %s", got, want)
		}
		if packed, err := m.Pack(); err != nil || new(dns.Msg).Unpack(packed) != nil {
			t.Errorf("%s: got an answer that does not pack: %v", want, err)
		}
	}
	if m := s.Answer(question(func(m *dns.Msg) { m.Response = true }), somebody, true); m != nil {
		t.Errorf("got %v to an answer, want nothing", m)
	}
}

func addOption(m *dns.Msg, o dns.EDNS0) {
	if m.IsEdns0() == nil {
		m.SetEdns0(1232, false)
	}
	m.IsEdns0().Option = append(m.IsEdns0().Option, o)
}

func TestCookies(t *testing.T) {
	s := newServer(t, world())
	ask := func(cookie string, from netip.AddrPort) string {
		q := new(dns.Msg).SetQuestion("auth.example.net.", dns.TypeSOA)
		addOption(q, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: cookie})
		addOption(q, &dns.EDNS0_NSID{Code: dns.EDNS0NSID})
		var got, nsid string
		for _, o := range s.Answer(q, from, false).IsEdns0().Option {
			switch o := o.(type) {
			case *dns.EDNS0_COOKIE:
				got = o.Cookie
			case *dns.EDNS0_NSID:
				nsid = o.Nsid
			}
		}
		if nsid != "6f6e65" {
			t.Errorf("got NSID %q, want that of the configuration", nsid)
		}
		return got
	}
	first := ask("0102030405060708", somebody)
	if len(first) != 48 || !strings.HasPrefix(first, "010203040506070801000000") {
		t.Fatalf("got cookie %s, want the client's with ours", first)
	}
	if again := ask(first, somebody); again != first {
		t.Errorf("got cookie %s for a good one, want it again", again)
	}
	elsewhere := netip.AddrPortFrom(netip.MustParseAddr("198.51.100.8"), 53)
	if stolen := ask(first, elsewhere); stolen == first || len(stolen) != 48 {
		t.Errorf("got cookie %s for somebody else's, want a new one", stolen)
	}
}

// TestCookieVectors has the examples of RFC 9018 appendix A.
func TestCookieVectors(t *testing.T) {
	keyed := func(secret string) cookies {
		var c cookies
		b := unhex(t, secret)
		for n := range 8 {
			c.k0 |= uint64(b[n]) << (8 * n)
			c.k1 |= uint64(b[8+n]) << (8 * n)
		}
		return c
	}
	for _, v := range []struct {
		secret, client, addr string
		made                 uint32
		want                 string
	}{
		{"e5e973e5a6b2a43f48e7dc849e37bfcf", "2464c4abcf10c957", "198.51.100.100", 1559731985, "2464c4abcf10c957010000005cf79f111f8130c3eee29480"},
		{"445536bcd2513298075a5d379663c962", "22681ab97d52c298", "2001:db8:220:1:59de:d0f4:8769:82b8", 1559741961, "22681ab97d52c298010000005cf7c609a6bb79d16625507a"},
	} {
		got := keyed(v.secret).make(unhex(t, v.client), netip.MustParseAddr(v.addr), v.made)
		if fmt.Sprintf("%x", got) != v.want {
			t.Errorf("got %x, want %s", got, v.want)
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	var b []byte
	if _, err := fmt.Sscanf(s, "%x", &b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTruncation(t *testing.T) {
	c := world()
	for n := range 40 {
		put(t, c.Values, "auth.example.net.", "many.auth.example.net.", fmt.Sprintf("%043d", n))
	}
	s := newServer(t, c)
	for _, test := range []struct {
		size uint16 // 0: no EDNS
		tcp  bool
		tc   bool
	}{{0, false, true}, {512, false, true}, {4096, false, true}, {0, true, false}, {1232, true, false}} {
		q := new(dns.Msg).SetQuestion("mAny.auth.example.net.", dns.TypeTXT)
		if test.size > 0 {
			q.SetEdns0(test.size, false)
		}
		packed, _ := q.Pack()
		quick, _, ok := s.quick(nil, packed, somebody, test.tcp)
		if !ok {
			t.Errorf("the quick way does not know what %v is", q)
		}
		for _, answer := range [][]byte{quick, s.handle(t.Context(), packed, somebody, test.tcp)} {
			m := new(dns.Msg)
			if err := m.Unpack(answer); err != nil {
				t.Fatal(err)
			}
			want := 40
			if test.tc {
				want = 0
			}
			if m.Truncated != test.tc || len(m.Answer) != want || (m.IsEdns0() != nil) != (test.size > 0) || m.Question[0].Name != "mAny.auth.example.net." {
				t.Errorf("size %d, TCP %v: got %v", test.size, test.tcp, m)
			}
		}
	}
}
