package delegation

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"certctl/lab/authority"
)

// Servers that show no SOA record with negative answers are believed as far as
// the delegation goes.
func TestNoSOA(t *testing.T) {
	without := func(q *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype == dns.TypeNS || q.Question[0].Qtype == dns.TypeSOA && strings.EqualFold(q.Question[0].Name, "example.com.") {
			return nil
		}
		r := new(dns.Msg).SetReply(q)
		r.Authoritative = true
		return r
	}
	never := func(q *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype == dns.TypeNS {
			return nil
		}
		q.Question[0].Name = strings.ToUpper(q.Question[0].Name)
		r := without(&dns.Msg{MsgHdr: q.MsgHdr, Question: []dns.Question{{Name: "x.", Qtype: dns.TypeCNAME, Qclass: dns.ClassINET}}})
		r.Question = q.Question
		return r
	}
	for primary, lie := range map[Name]func(*dns.Msg) *dns.Msg{"ns1.example.com.": without, "": never} {
		b := newBench(func(w *authority.World) { w.Zone("example.com.", "", "ns1.example.com.") })
		b.Server("ns1.example.com.").Fault(authority.Fault{Lie: lie})
		got := b.resolve(t, challenge)
		if got.Owner != challenge || got.Zone != "example.com." || got.Primary != primary {
			t.Errorf("got\n%s", b.show(got))
		}
	}
}

// A hundred names at the same time ask the root and the top-level domain once,
// and the servers of their zone once each; no name is asked for twice.
func TestHundredNames(t *testing.T) {
	for _, format := range []string{"_acme-challenge.h%d.example.com.", "_acme-challenge.h%d.prod.example.com."} {
		b := newBench(func(w *authority.World) { w.Zone("example.com.", "", "ns1.example.com.", "ns2.example.com.") })
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				if _, err := b.resolver.Resolve(t.Context(), Name(fmt.Sprintf(format, i)), Follow{}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		count := func(server string) int {
			return b.asked(func(q authority.Query) bool { return q.Server == server })
		}
		// The zone's own: NS, and A and AAAA of two servers.
		if root, tld, zone := count("a.root.")+count("b.root."), count("ns.com."), count("ns1.example.com.")+count("ns2.example.com."); root != 1 || tld != 1 || zone != 105 {
			t.Errorf("%s: got %d queries at the root, %d at com., %d at example.com., want 1, 1, 105", format, root, tld, zone)
		}
	}
}

// A recursive resolver does not refer: NS records in its answers are a gift.
func TestProxyDoesNotRefer(t *testing.T) {
	q := new(dns.Msg).SetQuestion(string(challenge), dns.TypeCNAME)
	m := refer("example.com.", "ns1.example.com.")(q)
	rep, err := read(&zone{apex: root, proxied: true}, peer{}, m, challenge, dns.TypeCNAME, 53)
	if err != nil || rep.cut != nil {
		t.Errorf("got %+v, %v", rep, err)
	}
}

// Domains below a label that is no zone cut, such as co.uk once was, are found
// with one query each.
func TestLabelWithoutCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(func(w *authority.World) {
			for _, d := range "abcde" {
				w.Zone(string(d)+".co.com.", "", "ns1.example.net.")
			}
			w.Zone("example.net.", "", "ns1.example.net.")
		})
		b.Server("ns.com.").Fault(authority.Fault{Delay: 100 * time.Millisecond})
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() { b.resolve(t, Name(fmt.Sprintf("_acme-challenge.h%d.%c.co.com.", i, "abcde"[i%5]))) })
		}
		wg.Wait()
		if got := b.asked(func(q authority.Query) bool { return q.Server == "ns.com." }); got != 5 {
			t.Errorf("got %d queries at com., want 5", got)
		}
	})
}

// The first to find a cut decides how it is remembered.
func TestCutIsKept(t *testing.T) {
	c, first := newCuts(), &zone{apex: "example.com."}
	c.add(first)
	if got := c.add(&zone{apex: "example.com."}); got != first {
		t.Error("the second one is kept")
	}
}

// Names side by side below one label do not wait for each other: only the
// first looks whether that label is a cut.
func TestNamesSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(func(w *authority.World) { w.Zone("example.com.", "", "ns1.example.com.") })
		const late = 100 * time.Millisecond
		for _, s := range []string{"a.root.", "ns.com.", "ns1.example.com."} {
			b.Server(s).Fault(authority.Fault{Delay: late})
		}
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() { b.resolve(t, Name(fmt.Sprintf("_acme-challenge.h%d.prod.example.com.", i))) })
		}
		wg.Wait()
		// The root's servers; the root; com.; the first name; the others and
		// NS; A and AAAA.
		if got := time.Since(start); got != 6*late {
			t.Errorf("took %v, want %v", got, 6*late)
		}
	})
}

// Glue is believed only for names that the referring zone has a say in.
func TestForeignGlue(t *testing.T) {
	b := newBench(cnamed)
	b.Server("ns.com.").Fault(authority.Fault{Lie: func(q *dns.Msg) *dns.Msg {
		r := refer("example.com.", "ns1.example.net.")(q)
		r.Extra = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: "ns1.example.net.", Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(192, 0, 2, 66)}}
		return r
	}})
	_, err := b.resolver.Resolve(t.Context(), challenge, Follow{})
	if err == nil || strings.Contains(err.Error(), "192.0.2.66") || !strings.Contains(b.anonymous(err.Error()), "ns1.example.net. (@ns1.example.net) answered REFUSED") {
		t.Errorf("got %v", err)
	}
}

// A failure is not remembered: the next call asks again.
func TestFailureIsForgotten(t *testing.T) {
	b := newBench(cnamed)
	for _, s := range []string{"ns1.example.com.", "ns2.example.com."} {
		b.Server(s).Fault(authority.Fault{Servfail: 1})
	}
	if _, err := b.resolver.Resolve(t.Context(), challenge, Follow{}); err == nil {
		t.Fatal("got no error from servers that fail once")
	}
	b.resolve(t, challenge)
}

// A name whose question fails does not take other names with it.
func TestFailureOfOneName(t *testing.T) {
	b := newBench(func(w *authority.World) { w.Zone("example.com.", "", "ns1.example.com.") })
	bad := Name("_acme-challenge.bad.prod.example.com.")
	b.Server("ns1.example.com.").Fault(authority.Fault{Lie: func(q *dns.Msg) *dns.Msg {
		if canonical(q.Question[0].Name) == bad {
			return new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
		}
		return nil
	}})
	var wg sync.WaitGroup
	for _, name := range []Name{bad, "_acme-challenge.a.prod.example.com.", "_acme-challenge.b.prod.example.com."} {
		wg.Go(func() {
			if _, err := b.resolver.Resolve(t.Context(), name, Follow{}); (err != nil) != (name == bad) {
				t.Errorf("%s: got %v", name, err)
			}
		})
	}
	wg.Wait()
}
