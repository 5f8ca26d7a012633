package delegation

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"certctl/lab/authority"
)

// cnamed is a world with a name that is CNAME-delegated to a zone with two
// servers.
func cnamed(w *authority.World) {
	w.Zone("example.com.", `_acme-challenge.www CNAME www.example.net.`, "ns1.example.com.", "ns2.example.com.")
	w.Zone("example.net.", "", "ns1.example.net.", "ns2.example.net.")
}

// One good server is enough, whatever the other does.
func TestOneBadServer(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault authority.Fault
	}{
		{"dead", authority.Fault{Dead: true}},
		{"no UDP", authority.Fault{NoUDP: true}},
		{"late", authority.Fault{Delay: 10 * time.Second}},
		{"a little late", authority.Fault{Delay: 500 * time.Millisecond}},
		{"lame with REFUSED", authority.Fault{Refuse: true}},
		{"lame without authority", authority.Fault{NoAA: true}},
		{"SERVFAIL once", authority.Fault{Servfail: 1}},
		{"SERVFAIL always", authority.Fault{Servfail: -1}},
		{"truncating", authority.Fault{Truncate: true}},
		{"truncating without TCP", authority.Fault{Truncate: true, NoTCP: true}},
		{"lower case", authority.Fault{LowerCase: true}},
		{"another question", authority.Fault{Lie: func(q *dns.Msg) *dns.Msg {
			r := new(dns.Msg).SetReply(q)
			r.Question[0].Name = "example.org."
			return r
		}}},
		{"referral upward", authority.Fault{Lie: refer(".", "a.root.")}},
		{"referral sideways", authority.Fault{Lie: refer("example.org.", "ns.example.org.")}},
		{"referral to itself", authority.Fault{Lie: refer("example.com.", "ns1.example.com.")}},
		{"referral to a zone beside", authority.Fault{Lie: refer("mail.example.com.", "ns1.example.com.")}},
		{"SOA of a zone beside", authority.Fault{Lie: soaOf("mail.example.com.")}},
		{"SOA of the zone above", authority.Fault{Lie: soaOf("com.")}},
		{"SOA of a zone elsewhere", authority.Fault{Lie: soaOf("example.org.")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(cnamed)
				b.Server("ns1.example.com.").Fault(test.fault)
				target := b.resolve(t, challenge)
				if target.Owner != "www.example.net." || target.Zone != "example.net." || len(target.Servers) != 2 {
					t.Errorf("got\n%s", b.show(target))
				}
			})
		})
	}
}

// refer answers everything with a referral.
func refer(apex, host string) func(q *dns.Msg) *dns.Msg {
	return func(q *dns.Msg) *dns.Msg {
		r := new(dns.Msg).SetReply(q)
		r.Ns = []dns.RR{&dns.NS{Hdr: dns.RR_Header{Name: apex, Rrtype: dns.TypeNS, Class: dns.ClassINET}, Ns: host}}
		return r
	}
}

// soaOf answers everything with NXDOMAIN, from a zone.
func soaOf(apex string) func(q *dns.Msg) *dns.Msg {
	return func(q *dns.Msg) *dns.Msg {
		r := new(dns.Msg).SetRcode(q, dns.RcodeNameError)
		r.Authoritative = true
		r.Ns = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: apex, Rrtype: dns.TypeSOA, Class: dns.ClassINET}, Ns: "a.root.", Mbox: "."}}
		return r
	}
}

// Where no server says anything, the error says what each did, and it is never
// taken for "not delegated".
func TestAllServersBad(t *testing.T) {
	const begin = "no server of zone example.com. could say the CNAME of _acme-challenge.www.example.com.: "
	for _, test := range []struct {
		name     string
		one, two authority.Fault
		want     string
	}{
		{"SERVFAIL", authority.Fault{Servfail: -1}, authority.Fault{Servfail: -1},
			begin + "ns1.example.com. (@ns1.example.com) answered SERVFAIL: it could not say, for instance because it could not load the zone or reach another server; " +
				"ns2.example.com. (@ns2.example.com) answered SERVFAIL: it could not say, for instance because it could not load the zone or reach another server"},
		{"lame", authority.Fault{NoAA: true}, authority.Fault{Refuse: true},
			begin + "ns1.example.com. (@ns1.example.com) does not serve the zone (no authority, no referral); " +
				"ns2.example.com. (@ns2.example.com) answered REFUSED: it does not want to, for instance because it does not serve the zone"},
		{"dead", authority.Fault{Dead: true}, authority.Fault{Truncate: true, NoTCP: true},
			begin + "ns1.example.com. (@ns1.example.com) gave no answer; " +
				"ns2.example.com. (@ns2.example.com) sent an answer too long for UDP, and over TCP it sent nothing usable (read tcp @ns2.example.com:53: EOF)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(cnamed)
				b.Server("ns1.example.com.").Fault(test.one)
				b.Server("ns2.example.com.").Fault(test.two)
				target, err := b.resolver.Resolve(t.Context(), challenge, Follow{})
				if got := b.anonymous(errText(err)); got != test.want {
					t.Errorf("got  %v, %s\nwant %s", target, got, test.want)
				}
			})
		})
	}
}

// The steps tell who said what.
func TestSteps(t *testing.T) {
	b := newBench(cnamed)
	target := b.resolve(t, challenge)
	addr := func(server string) netip.AddrPort { return b.Server(server).Addr() }
	want := []Step{
		{Kind: Cut, Type: "NS", From: ".", To: "com.", Zone: ".", Server: addr("a.root."), ServerName: "a.root.", ServerNames: []Name{"ns.com."}},
		{Kind: Cut, Type: "NS", From: "com.", To: "example.com.", Zone: "com.", Server: addr("ns.com."), ServerName: "ns.com.", ServerNames: []Name{"ns1.example.com.", "ns2.example.com."}},
		{Kind: Alias, Type: "CNAME", From: challenge, To: "www.example.net.", Zone: "example.com.", Server: addr("ns1.example.com."), ServerName: "ns1.example.com."},
		{Kind: Cut, Type: "NS", From: ".", To: "net.", Zone: ".", Server: addr("a.root."), ServerName: "a.root.", ServerNames: []Name{"ns.net."}},
		{Kind: Cut, Type: "NS", From: "net.", To: "example.net.", Zone: "net.", Server: addr("ns.net."), ServerName: "ns.net.", ServerNames: []Name{"ns1.example.net.", "ns2.example.net."}},
	}
	if !slices.EqualFunc(target.Steps, want, func(a, b Step) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
		t.Errorf("got  %+v\nwant %+v", target.Steps, want)
	}
}

// No authoritative server is asked to recurse, and the recursive resolver
// never hears of a challenge name, of where it leads, or of names below.
func TestWhoIsAsked(t *testing.T) {
	for _, test := range targets {
		b := newBench(test.world)
		target := b.resolve(t, challenge)
		secret := []Name{challenge, target.Owner}
		for _, s := range target.Steps {
			if s.Kind == Alias {
				secret = append(secret, s.From, s.To)
			}
		}
		for _, q := range b.Queries() {
			if q.RD {
				t.Errorf("%s: recursion desired: %v", test.name, q)
			}
			if q.From != b.Recursor().Addr().Addr() {
				continue
			}
			for _, n := range secret {
				if canonical(q.Name).IsAtOrBelow(n) {
					t.Errorf("%s: the recursive resolver was asked: %v", test.name, q)
				}
			}
		}
	}
}

func TestPrimary(t *testing.T) {
	b := newBench(func(w *authority.World) {
		cnamed(w)
		w.Zone("hidden.net.", "", "ns1.example.net.").Hide("hidden.example.net.")
		w.Zone("gone.net.", `@ SOA ns.nobody.net. hostmaster 1 2 3 4 5`, "ns1.example.net.")
		w.Zone("none.net.", `@ SOA . hostmaster 1 2 3 4 5`, "ns1.example.net.")
		w.Zone("_acme-challenge.www.example.net.", `
			@ SOA primary hostmaster 1 2 3 4 5
			primary A 192.0.2.7
			primary AAAA 2001:db8::7`, "ns1.example.net.")
	})
	b.resolve(t, "_acme-challenge.www.example.net.")
	for _, test := range []struct {
		zone      Name
		want, err string
	}{
		{zone: "example.net.", want: fmt.Sprint(b.Server("ns1.example.net.").Addrs())},
		{zone: "hidden.net.", want: fmt.Sprint(b.Server("hidden.example.net.").Addrs())},
		{zone: "_acme-challenge.www.example.net.", want: "[192.0.2.7:53 [2001:db8::7]:53]"},
		{zone: "gone.net.", err: "the primary server of zone gone.net. is ns.nobody.net., which has no address"},
		{zone: "none.net.", err: "zone none.net. shows no SOA record, so its primary server is not known"},
		{zone: "www.example.com.", err: "zone www.example.com. shows no SOA record, so its primary server is not known"},
	} {
		got, err := b.resolver.Primary(t.Context(), test.zone)
		if errText(err) != test.err || err == nil && fmt.Sprint(got) != test.want {
			t.Errorf("%s: got %v, %v, want %s, %s", test.zone, got, err, test.want, test.err)
		}
		var typed *PrimaryError
		if err != nil && !errors.As(err, &typed) {
			t.Errorf("%s: got a %T, want a *PrimaryError", test.zone, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(cnamed)
		b.Server("ns1.example.com.").Fault(authority.Fault{Dead: true})
		b.Server("ns2.example.com.").Fault(authority.Fault{Dead: true})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				_, err := b.resolver.Resolve(ctx, challenge, Follow{})
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
		if d := time.Since(start); d != time.Second {
			t.Errorf("gave up after %v, want 1s", d)
		}
	})
}

// One caller's Ctrl-C is not the other's, although they wait for the same
// answer.
func TestCancelledBesideAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(cnamed)
		for _, s := range []string{"ns1.example.com.", "ns2.example.com."} {
			b.Server(s).Fault(authority.Fault{Delay: 2 * time.Second})
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := b.resolver.Resolve(ctx, challenge, Follow{}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the one: got %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if _, err := b.resolver.Resolve(t.Context(), challenge, Follow{}); err != nil {
				t.Errorf("the other: got %v", err)
			}
		})
		wg.Wait()
	})
}

// With a dead server the first question waits a little, and the others know.
func TestSilentServerIsAskedLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(cnamed)
		b.Server("ns1.example.com.").Fault(authority.Fault{Dead: true})
		start := time.Now()
		b.resolve(t, challenge)
		if d := time.Since(start); d != patience {
			t.Errorf("took %v, want %v", d, patience)
		}
	})
}

// The same over the world's real sockets, with the client's own.
func TestSockets(t *testing.T) {
	w := authority.New()
	recursor := w.Recursor()
	w.Zone("com.", "", "ns.com.")
	w.Zone("net.", "", "ns.net.")
	cnamed(w)
	w.Run(t)
	w.Server("ns1.example.com.").Fault(authority.Fault{Truncate: true})
	r := NewResolver(Options{Recursive: []netip.AddrPort{recursor.Addr()}, Port: w.Port(), Warn: func(s string) { t.Error(s) }})
	target, err := r.Resolve(t.Context(), challenge, Follow{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(target.Servers[1].Addrs), fmt.Sprint(w.Server("ns2.example.net.").Addrs()); got != want || target.Owner != "www.example.net." {
		t.Errorf("got %+v, want %s", target, want)
	}
}
