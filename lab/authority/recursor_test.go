package authority_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"certctl/lab/authority"
)

// recursorWorld spreads what one resolution needs over many servers.
func recursorWorld() *authority.World {
	w := authority.New()
	w.Zone(".", "", "a.root.", "b.root.")
	w.Zone("com.", "", "ns.com.")
	w.Zone("net.", "", "ns.net.")
	w.Zone("example.com.", `
		_acme-challenge     CNAME step1.example.net.
		_acme-challenge.old DNAME auth.example.net.
		loop                CNAME loop.example.net.
	`, "ns1.example.com.", "ns1.example.net.")
	chain := ""
	for i := range 12 {
		chain += fmt.Sprintf("c%d CNAME c%d\n", i, i+1)
	}
	w.Zone("example.net.", chain+`
c12   TXT   "end"
step1 CNAME x.auth
loop  CNAME loop.example.com.
www   A     192.0.2.1
	`, "ns1.example.net.")
	// Two servers, both named outside the zone: their addresses must be looked up.
	w.Zone("auth.example.net.", `
		x TXT "found"
	`, "ns2.example.com.", "ns3.example.com.")
	w.Recursor()
	return w
}

// recurse asks the recursor.
func recurse(t *testing.T, w *authority.World, query string) string {
	t.Helper()
	q := question(query)
	q.RecursionDesired = true
	r, _, err := w.TCP().ExchangeContext(t.Context(), q, w.Recursor().Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if !r.RecursionAvailable {
		t.Error("got no RA flag")
	}
	return summary(r)
}

func TestRecursor(t *testing.T) {
	w := recursorWorld()
	tests := []struct{ query, want string }{
		{". NS", "NOERROR\n. NS a.root.\n. NS b.root.\n;; a.root. A 127\n;; b.root. A 127"},
		{"www.example.net. A", "NOERROR\nwww.example.net. A 192.0.2.1"},
		{"ns3.example.com. A", "NOERROR\nns3.example.com. A 127"},
		{"www.example.net. TXT", "NOERROR\n; example.net. SOA"},
		{"none.example.net. TXT", "NXDOMAIN\n; example.net. SOA"},
		{"example.xyz. TXT", "NXDOMAIN\n; . SOA"},
		{"_acme-challenge.example.com. TXT", "NOERROR\n_acme-challenge.example.com. CNAME step1.example.net.\n" +
			"step1.example.net. CNAME x.auth.example.net.\nx.auth.example.net. TXT \"found\""},
		{"_acme-challenge.example.com. CNAME", "NOERROR\n_acme-challenge.example.com. CNAME step1.example.net."},
		{"x._acme-challenge.old.example.com. TXT", "NOERROR\n_acme-challenge.old.example.com. DNAME auth.example.net.\n" +
			"x._acme-challenge.old.example.com. CNAME x.auth.example.net.\nx.auth.example.net. TXT \"found\""},
		{"loop.example.com. TXT", "SERVFAIL"},
		{"c0.example.net. TXT", "SERVFAIL"},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, recurse(t, w, test.query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.query, diff)
		}
	}
	if got := recurse(t, w, "c1.example.net. TXT"); got[:7] != "NOERROR" {
		t.Errorf("11 aliases: got %s, want NOERROR", got)
	}
	for _, q := range w.Queries() {
		if q.RD {
			t.Errorf("asked an authoritative server recursively: %s", q)
		}
	}
}

func TestRecursorFaults(t *testing.T) {
	const query = "x.auth.example.net. TXT"
	good, servfail := "NOERROR\nx.auth.example.net. TXT \"found\"", "SERVFAIL"
	for _, test := range []struct {
		name     string
		fault    authority.Fault
		one, all string // with one of two servers at fault, and with both
	}{
		{"dead", authority.Fault{Dead: true}, good, servfail},
		{"refuse", authority.Fault{Refuse: true}, good, servfail},
		{"no AA", authority.Fault{NoAA: true}, good, servfail},
		{"servfail", authority.Fault{Servfail: -1}, good, servfail},
		{"truncate", authority.Fault{Truncate: true}, good, good},
		{"no UDP", authority.Fault{NoUDP: true}, good, good},
		{"late", authority.Fault{Delay: time.Second}, good, good},
		{"too late", authority.Fault{Delay: time.Minute}, good, servfail},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := recursorWorld()
			w.Server("ns2.example.com.").Fault(test.fault)
			if got := recurse(t, w, query); got != test.one {
				t.Errorf("%s: one server: got %q, want %q", test.name, got, test.one)
			}
			w.Server("ns3.example.com.").Fault(test.fault)
			if got := recurse(t, w, query); got != test.all {
				t.Errorf("%s: both servers: got %q, want %q", test.name, got, test.all)
			}
		})
	}
}

// With a cache, asking before the record is there hides it for the negative
// TTL of 60 s.
func TestRecursorCache(t *testing.T) {
	for _, cache := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := authority.New()
			z := w.Zone("example.com.", "", "ns1.example.com.")
			w.Recursor().Cache(cache)
			want := map[bool]string{false: "NOERROR", true: "NXDOMAIN"}[cache]
			recurse(t, w, "x.example.com. TXT")
			z.Add(`x TXT "v"`)
			time.Sleep(59 * time.Second)
			if got := recurse(t, w, "x.example.com. TXT"); got[:len(want)] != want {
				t.Errorf("cache %t: after 59 s: got %q, want %s", cache, got, want)
			}
			time.Sleep(time.Second)
			if got := recurse(t, w, "X.example.com. TXT"); got[:7] != "NOERROR" {
				t.Errorf("cache %t: after 60 s: got %q, want NOERROR", cache, got)
			}
		})
	}
}

func TestRecursorWithoutRD(t *testing.T) {
	w := recursorWorld()
	r, _, err := w.UDP().ExchangeContext(t.Context(), question("www.example.net. A"), w.Recursor().Addr().String())
	if err != nil || r.Rcode != dns.RcodeRefused {
		t.Errorf("got %v, %v, want REFUSED", r, err)
	}
}

// TestRecursorEDNS asks with and without EDNS: the OPT record is the recursor's
// own, not also that of the server that it has asked.
func TestRecursorEDNS(t *testing.T) {
	w := recursorWorld()
	for want := range 2 {
		q := question("www.example.net. NS")
		q.RecursionDesired = true
		if want == 1 {
			q.SetEdns0(1232, false)
		}
		r, _, err := w.TCP().ExchangeContext(t.Context(), q, w.Recursor().Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for _, rr := range r.Extra {
			if rr.Header().Rrtype == dns.TypeOPT {
				got++
			}
		}
		if got != want {
			t.Errorf("got %d OPT records, want %d", got, want)
		}
	}
}
