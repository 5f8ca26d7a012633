package authority_test

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"certctl/lab/authority"
)

func TestFaults(t *testing.T) {
	w := authority.New()
	w.Zone("example.com.", `www TXT "truth"`, "ns1.example.com.")
	s := w.Server("ns1.example.com.")
	truth := "aa NOERROR\nwww.example.com. TXT \"truth\""
	tests := []struct {
		name     string
		fault    authority.Fault
		query    string
		udp, tcp string
	}{
		{"none", authority.Fault{}, "", truth, truth},
		{"refuse", authority.Fault{Refuse: true}, "", "REFUSED", "REFUSED"},
		{"no AA", authority.Fault{NoAA: true}, "", truth[3:], truth[3:]},
		{"servfail", authority.Fault{Servfail: -1}, "", "SERVFAIL", "SERVFAIL"},
		{"servfail once", authority.Fault{Servfail: 1}, "", "SERVFAIL", truth},
		{"truncate", authority.Fault{Truncate: true}, "", "aa tc NOERROR", truth},
		{"lower case", authority.Fault{LowerCase: true}, "wWw.example.com. TXT", truth, truth},
		{"case blind", authority.Fault{CaseBlind: true}, "wWw.example.com. TXT", "aa NXDOMAIN", "aa NXDOMAIN"},
		{"case blind, lower case", authority.Fault{CaseBlind: true}, "", truth, truth},
		{"lies", authority.Fault{Lies: `www.example.com. CNAME www.example.org.`}, "",
			"aa NOERROR\nwww.example.com. CNAME www.example.org.", "aa NOERROR\nwww.example.com. CNAME www.example.org."},
		{"lie", authority.Fault{Lie: func(q *dns.Msg) *dns.Msg { return new(dns.Msg).SetRcode(q, dns.RcodeNameError) }}, "", "NXDOMAIN", "NXDOMAIN"},
	}
	for _, test := range tests {
		if test.query == "" {
			test.query = "www.example.com. TXT"
		}
		s.Fault(test.fault)
		if got := summary(ask(t, w.UDP(), s, test.query)); got != test.udp {
			t.Errorf("%s: UDP: got %q, want %q", test.name, got, test.udp)
		}
		if got := summary(ask(t, w.TCP(), s, test.query)); got != test.tcp {
			t.Errorf("%s: TCP: got %q, want %q", test.name, got, test.tcp)
		}
	}
}

func TestLowerCaseQuestion(t *testing.T) {
	w := authority.New()
	w.Zone("example.com.", "", "ns1.example.com.")
	s := w.Server("ns1.example.com.")
	for _, test := range []struct {
		fault authority.Fault
		want  string
	}{{authority.Fault{}, "wWw.Example.com."}, {authority.Fault{LowerCase: true}, "www.example.com."}} {
		s.Fault(test.fault)
		if got := ask(t, w.UDP(), s, "wWw.Example.com. A").Question[0].Name; got != test.want {
			t.Errorf("LowerCase %t: question: got %s, want %s", test.fault.LowerCase, got, test.want)
		}
	}
}

// Servers that do not answer, or answer late, in the time of a bubble.
func TestSilence(t *testing.T) {
	tests := []struct {
		name     string
		fault    authority.Fault
		udp, tcp error
		after    time.Duration // over UDP
	}{
		{"dead", authority.Fault{Dead: true}, os.ErrDeadlineExceeded, os.ErrDeadlineExceeded, 10 * time.Second},
		{"no UDP", authority.Fault{NoUDP: true}, os.ErrDeadlineExceeded, nil, 10 * time.Second},
		{"no TCP", authority.Fault{NoTCP: true}, nil, io.EOF, 0},
		{"late", authority.Fault{Delay: 9 * time.Second}, nil, nil, 9 * time.Second},
		{"too late", authority.Fault{Delay: time.Minute}, os.ErrDeadlineExceeded, os.ErrDeadlineExceeded, 10 * time.Second},
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			w := authority.New()
			w.Zone("example.com.", "", "ns1.example.com.")
			s := w.Server("ns1.example.com.").Fault(test.fault)
			for _, x := range []authority.Exchanger{w.UDP(), w.TCP()} {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				_, rtt, err := x.ExchangeContext(ctx, question("example.com. SOA"), s.Addr().String())
				cancel()
				want := test.tcp
				if x == w.UDP() {
					want = test.udp
					if rtt != test.after {
						t.Errorf("%s: got an answer after %s, want %s", test.name, rtt, test.after)
					}
				}
				if !errors.Is(err, want) {
					t.Errorf("%s: got %v, want %v", test.name, err, want)
				}
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	w := authority.New()
	w.Zone("example.com.", "", "ns1.example.com.")
	_, _, err := w.UDP().ExchangeContext(t.Context(), question("example.com. SOA"), "127.0.0.9:53")
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want connection refused", err)
	}
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := authority.New()
		w.Zone("example.com.", "", "ns1.example.com.")
		s := w.Server("ns1.example.com.").Fault(authority.Fault{Dead: true})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, rtt, err := w.UDP().ExchangeContext(ctx, question("example.com. SOA"), s.Addr().String())
		if !errors.Is(err, context.Canceled) || rtt != time.Second {
			t.Errorf("got %v after %s, want context canceled after 1s", err, rtt)
		}
	})
}

// A secondary sees additions and removals late, its serial too, and one that
// never hears of changes keeps what it had.
func TestLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := authority.New()
		z := w.Zone("example.com.", `old TXT "x"`, "ns1.example.com.", "ns2.example.com.", "ns3.example.com.")
		w.Server("ns2.example.com.").Lag(2 * time.Minute)
		w.Server("ns3.example.com.").Lag(authority.Never)
		check := func(when string, want ...string) {
			t.Helper()
			for i, ns := range []string{"ns1.example.com.", "ns2.example.com.", "ns3.example.com."} {
				got := dns.RcodeToString[ask(t, w.UDP(), w.Server(ns), "new.example.com. TXT").Rcode] + " " +
					dns.RcodeToString[ask(t, w.UDP(), w.Server(ns), "old.example.com. TXT").Rcode]
				if got != want[i] {
					t.Errorf("%s: %s: new and old: got %s, want %s", when, ns, got, want[i])
				}
			}
		}
		before, after := "NXDOMAIN NOERROR", "NOERROR NXDOMAIN"
		check("before", before, before, before)
		z.Add(`new TXT "x"`)
		z.Remove(`old TXT "x"`)
		check("at once", after, before, before)
		time.Sleep(2*time.Minute - time.Second)
		check("just before", after, before, before)
		time.Sleep(time.Second)
		check("after the lag", after, after, before)
	})
}
