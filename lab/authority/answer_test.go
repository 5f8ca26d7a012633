package authority_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"certctl/lab/authority"
)

// answerWorld has, on ns1, a parent, a child below a cut that it serves itself
// and one that it does not, and everything that makes names exist or not.
func answerWorld() *authority.World {
	w := authority.New()
	w.Zone("example.com.", `
		@        A     192.0.2.1
		www      A     192.0.2.2
		www      A     192.0.2.3
		alias    CNAME www
		chain    CNAME alias
		away     CNAME www.example.org.
		dangling CNAME nowhere
		loop     CNAME loop2
		loop2    CNAME loop
		into     CNAME x.cut
		a.b.c    TXT   "deep"
		*.wild   TXT   "synthesised"
		x.wild   A     192.0.2.4
		*.alias-wild CNAME www
		old      DNAME new
		t.new    TXT   "moved"
		cut      NS    ns.cut
		ns.cut   A     192.0.2.53
		x.cut    TXT   "occluded"
	`, "ns1.example.com.")
	w.Zone("child.example.com.", `@ TXT "child"`, "ns1.example.com.")
	w.Zone("other.example.com.", "", "ns2.example.com.")
	return w
}

const soa = "; example.com. SOA"

var answerTests = []struct {
	query string
	want  string // flags and rcode, then a line a record, sections marked by prefix
}{
	{"example.com. A", "aa NOERROR\nexample.com. A 192.0.2.1"},
	{"WwW.Example.com. A", "aa NOERROR\nWwW.Example.com. A 192.0.2.2\nWwW.Example.com. A 192.0.2.3"},
	{"www.example.com. TXT", "aa NOERROR\n" + soa},
	{"none.example.com. A", "aa NXDOMAIN\n" + soa},
	{"none.www.example.com. A", "aa NXDOMAIN\n" + soa},
	{"b.c.example.com. TXT", "aa NOERROR\n" + soa},
	{"x.b.c.example.com. TXT", "aa NXDOMAIN\n" + soa},
	{"alias.example.com. A", "aa NOERROR\nalias.example.com. CNAME www.example.com.\nwww.example.com. A 192.0.2.2\nwww.example.com. A 192.0.2.3"},
	{"alias.example.com. CNAME", "aa NOERROR\nalias.example.com. CNAME www.example.com."},
	{"chain.example.com. TXT", "aa NOERROR\nchain.example.com. CNAME alias.example.com.\nalias.example.com. CNAME www.example.com.\n" + soa},
	{"away.example.com. A", "aa NOERROR\naway.example.com. CNAME www.example.org."},
	{"dangling.example.com. A", "aa NXDOMAIN\ndangling.example.com. CNAME nowhere.example.com.\n" + soa},
	{"loop.example.com. A", "aa NOERROR\nloop.example.com. CNAME loop2.example.com.\nloop2.example.com. CNAME loop.example.com."},
	{"into.example.com. TXT", "aa NOERROR\ninto.example.com. CNAME x.cut.example.com.\n; cut.example.com. NS ns.cut.example.com.\n;; ns.cut.example.com. A 192.0.2.53"},
	{"Any.wild.example.com. TXT", "aa NOERROR\nAny.wild.example.com. TXT \"synthesised\""},
	{"a.b.wild.example.com. TXT", "aa NOERROR\na.b.wild.example.com. TXT \"synthesised\""},
	{"any.wild.example.com. A", "aa NOERROR\n" + soa},
	{"x.wild.example.com. TXT", "aa NOERROR\n" + soa},
	{"y.x.wild.example.com. TXT", "aa NXDOMAIN\n" + soa},
	{"*.wild.example.com. TXT", "aa NOERROR\n*.wild.example.com. TXT \"synthesised\""},
	{"_acme-challenge.alias-wild.example.com. TXT", "aa NOERROR\n_acme-challenge.alias-wild.example.com. CNAME www.example.com.\n" + soa},
	{"T.old.example.com. TXT", "aa NOERROR\nold.example.com. DNAME new.example.com.\nT.old.example.com. CNAME T.new.example.com.\nT.new.example.com. TXT \"moved\""},
	{"old.example.com. TXT", "aa NOERROR\n" + soa},
	{"x.old.example.com. TXT", "aa NXDOMAIN\nold.example.com. DNAME new.example.com.\nx.old.example.com. CNAME x.new.example.com.\n" + soa},
	{"x.cut.example.com. TXT", "NOERROR\n; cut.example.com. NS ns.cut.example.com.\n;; ns.cut.example.com. A 192.0.2.53"},
	{"ns.cut.example.com. A", "NOERROR\n; cut.example.com. NS ns.cut.example.com.\n;; ns.cut.example.com. A 192.0.2.53"},
	{"cut.example.com. DS", "aa NOERROR\n" + soa},
	{"child.example.com. TXT", "aa NOERROR\nchild.example.com. TXT \"child\""},
	{"none.child.example.com. TXT", "aa NXDOMAIN\n; child.example.com. SOA"},
	{"child.example.com. DS", "aa NOERROR\n" + soa},
	{"_x.other.example.com. TXT", "NOERROR\n; other.example.com. NS ns2.example.com.\n;; ns2.example.com. A 127"},
	{"example.org. A", "REFUSED"},
	{"notexample.com. A", "REFUSED"},
}

func TestAnswer(t *testing.T) {
	w := answerWorld()
	// The implicit root is on another server: ns1 knows its own zones only.
	for _, test := range answerTests {
		t.Run(test.query, func(t *testing.T) {
			got := summary(ask(t, w.UDP(), w.Server("ns1.example.com."), test.query))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

// ask sends a query, written "name TYPE", without recursion.
func ask(t *testing.T, x authority.Exchanger, s *authority.Server, query string) *dns.Msg {
	t.Helper()
	r, _, err := x.ExchangeContext(context.Background(), question(query), s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func question(query string) *dns.Msg {
	name, qtype, _ := strings.Cut(query, " ")
	q := new(dns.Msg).SetQuestion(name, dns.StringToType[qtype])
	q.RecursionDesired = false
	return q
}

// summary writes a message as the tables here do: no TTL and class, SOA data
// and loopback addresses cut short, authority behind ";", additional behind
// ";;".
func summary(m *dns.Msg) string {
	var flags []string
	if m.Authoritative {
		flags = append(flags, "aa")
	}
	if m.Truncated {
		flags = append(flags, "tc")
	}
	lines := []string{strings.Join(append(flags, dns.RcodeToString[m.Rcode]), " ")}
	for i, section := range [][]dns.RR{m.Answer, m.Ns, m.Extra} {
		for _, rr := range section {
			if rr.Header().Rrtype != dns.TypeOPT {
				lines = append(lines, []string{"", "; ", ";; "}[i]+brief(rr))
			}
		}
	}
	return strings.Join(lines, "\n")
}

func brief(rr dns.RR) string {
	f := strings.Fields(rr.String())
	f = slices.Delete(f, 1, 3)
	switch {
	case f[1] == "SOA":
		f = f[:2]
	case strings.HasPrefix(f[2], "127."):
		f[2] = "127"
	}
	return strings.Join(f, " ")
}

func TestAnswerOtherThanQueries(t *testing.T) {
	w := answerWorld()
	s := w.Server("ns1.example.com.")
	tests := []struct {
		name string
		edit func(*dns.Msg)
		want int
	}{
		{"notify", func(m *dns.Msg) { m.Opcode = dns.OpcodeNotify }, dns.RcodeNotImplemented},
		{"two questions", func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }, dns.RcodeFormatError},
		{"chaos", func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }, dns.RcodeRefused},
		{"EDNS version 1", func(m *dns.Msg) { m.SetEdns0(1232, false).IsEdns0().SetVersion(1) }, dns.RcodeBadVers},
	}
	for _, test := range tests {
		q := question("www.example.com. A")
		test.edit(q)
		r, _, err := w.UDP().ExchangeContext(context.Background(), q, s.Addr().String())
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if r.Rcode != test.want {
			t.Errorf("%s: rcode: got %s, want %s", test.name, dns.RcodeToString[r.Rcode], dns.RcodeToString[test.want])
		}
	}
}

func TestTruncation(t *testing.T) {
	w := authority.New()
	big := strings.Repeat(`@ TXT "`+strings.Repeat("x", 200)+`"`+"\n", 1)
	for i := range 9 {
		big += `@ TXT "` + strings.Repeat(string(rune('a'+i)), 100) + `"` + "\n"
	}
	z := w.Zone("example.com.", big, "ns1.example.com.")
	s := w.Server("ns1.example.com.")
	q := question(z.Apex() + " TXT")
	sizes := func(x authority.Exchanger) (tc bool, n int) {
		r, _, err := x.ExchangeContext(context.Background(), q, s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return r.Truncated, len(r.Answer)
	}
	if tc, n := sizes(w.UDP()); !tc || n != 0 {
		t.Errorf("UDP without EDNS: got tc=%t with %d records, want tc without records", tc, n)
	}
	q.SetEdns0(4096, false)
	if tc, _ := sizes(w.UDP()); !tc {
		t.Error("UDP with a buffer of 4096: got the whole answer, want at most 1232 octets")
	}
	if tc, n := sizes(w.TCP()); tc || n != 10 {
		t.Errorf("TCP: got tc=%t with %d records, want 10 records", tc, n)
	}
}
