package delegation

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
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
			begin + "ns1.example.com. (@ns1.example.com) answered SERVFAIL: it is at fault itself, for instance with a zone that it could not load; " +
				"ns2.example.com. (@ns2.example.com) answered SERVFAIL: it is at fault itself, for instance with a zone that it could not load"},
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

// An error about the end of an alias says what led there.
func TestAliasIntoDeadZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(cnamed)
		b.Server("ns1.example.net.").Fault(authority.Fault{Dead: true})
		b.Server("ns2.example.net.").Fault(authority.Fault{Refuse: true})
		_, err := b.resolver.Resolve(t.Context(), challenge, Follow{})
		want := "_acme-challenge.www.example.com. is an alias that leads to www.example.net.: " +
			"no server of zone example.net. could say the CNAME of www.example.net.: " +
			"ns1.example.net. (@ns1.example.net) gave no answer; " +
			"ns2.example.net. (@ns2.example.net) answered REFUSED: it does not want to, for instance because it does not serve the zone"
		if got := b.anonymous(errText(err)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// A wildcard that leads nowhere gets a hint, because it may not be meant.
func TestWildcardIntoDeadZone(t *testing.T) {
	b := newBench(func(w *authority.World) {
		w.Zone("example.com.", `*.www CNAME lb.example.net.`, "ns1.example.com.")
		w.Zone("example.net.", "", "ns1.example.net.")
	})
	b.Server("ns1.example.net.").Fault(authority.Fault{Refuse: true})
	_, err := b.resolver.Resolve(t.Context(), challenge, Follow{})
	var wildcard *WildcardError
	if !errors.As(err, &wildcard) || wildcard.Name != challenge {
		t.Fatalf("got %v, want a *WildcardError", err)
	}
	target, err := b.resolver.Resolve(t.Context(), challenge, Follow{Never: true})
	if err != nil || target.Owner != challenge || target.Zone != "example.com." || len(target.Warnings) > 0 {
		t.Errorf("follow: never: got %+v, %v", target, err)
	}
}

func TestAliasLoop(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"itself", `_acme-challenge.www CNAME _acme-challenge.www`,
			"aliases form a loop: _acme-challenge.www.example.com. → _acme-challenge.www.example.com."},
		{"two", "_acme-challenge.www CNAME a\na CNAME B\nb CNAME A",
			"aliases form a loop: a.example.com. → b.example.com. → a.example.com."},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(func(w *authority.World) { w.Zone("example.com.", test.text, "ns1.example.com.") })
			_, err := b.resolver.Resolve(t.Context(), challenge, Follow{})
			var loop *AliasError
			if errText(err) != test.want || !errors.As(err, &loop) || !loop.Loop {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// Eleven aliases are followed, the twelfth is an error: so does the resolver
// of a CA, which the world's recursive resolver imitates.
func TestAliasChain(t *testing.T) {
	for n := 10; n <= 13; n++ {
		b := newBench(func(w *authority.World) {
			zone := "_acme-challenge.www CNAME c2\n"
			for i := 2; i <= n; i++ {
				zone += fmt.Sprintf("c%d CNAME c%d\n", i, i+1)
			}
			w.Zone("example.com.", zone+fmt.Sprintf(`c%d TXT "x"`, n+1), "ns1.example.com.")
		})
		target, err := b.resolver.Resolve(t.Context(), challenge, Follow{})
		r, ca := b.resolver.client.Ask(t.Context(), b.Recursor().Addr(), challenge, dns.TypeTXT, true)
		if ca != nil {
			t.Fatal(ca)
		}
		if canFollow := r.Rcode == dns.RcodeSuccess; canFollow != (n <= 11) || canFollow != (err == nil) {
			t.Errorf("%d aliases: got %v, the resolver of a CA %s", n, err, dns.RcodeToString[r.Rcode])
		}
		if err == nil && target.Owner != Name(fmt.Sprintf("c%d.example.com.", n+1)) {
			t.Errorf("%d aliases: got owner %s", n, target.Owner)
		}
		want := "c12.example.com. is at the end of 11 aliases and is one itself: a CA gives up (SERVFAIL) after 11"
		if err != nil && err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A DNAME that grows the name never repeats one.
func TestDNAMEWithoutEnd(t *testing.T) {
	b := newBench(func(w *authority.World) { w.Zone("example.com.", `www DNAME x.www`, "ns1.example.com.") })
	_, err := b.resolver.Resolve(t.Context(), challenge, Follow{})
	var alias *AliasError
	if !errors.As(err, &alias) || alias.Loop {
		t.Errorf("got %v, want an *AliasError", err)
	}
}

func TestDNAMETooLong(t *testing.T) {
	label := strings.Repeat("a", 63)
	b := newBench(func(w *authority.World) {
		w.Zone("example.com.", "www DNAME "+strings.Repeat(label+".", 3)+"example.com.", "ns1.example.com.")
	})
	long := Name(label+".").String() + string(challenge)
	_, err := b.resolver.Resolve(t.Context(), Name(long), Follow{})
	if !strings.Contains(errText(err), "answered YXDOMAIN: the name that a DNAME makes of it is too long") {
		t.Errorf("got %v", err)
	}
}

// An alias holds with NXDOMAIN too: the rcode is about its end. And whoever
// changes the case of names changes nothing.
func TestAliasWithNXDOMAIN(t *testing.T) {
	b := newBench(cnamed)
	b.Server("ns1.example.com.").Fault(authority.Fault{Lie: func(q *dns.Msg) *dns.Msg {
		if !strings.EqualFold(q.Question[0].Name, string(challenge)) {
			return nil
		}
		r := new(dns.Msg).SetRcode(q, dns.RcodeNameError)
		r.Authoritative = true
		cname := func(owner, target string) dns.RR {
			return &dns.CNAME{Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeCNAME, Class: dns.ClassINET}, Target: target}
		}
		r.Answer = []dns.RR{
			cname("_ACME-challenge.WWW.example.com.", "wWw.eXample.NET."),
			cname("www.example.net.", "not.for.you.to.say."),
		}
		return r
	}})
	if got := b.resolve(t, challenge); got.Owner != "www.example.net." {
		t.Errorf("got\n%s", b.show(got))
	}
}

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

func TestFollow(t *testing.T) {
	b := newBench(cnamed)
	target, err := b.resolver.Resolve(t.Context(), challenge, Follow{Never: true})
	if err != nil {
		t.Fatal(err)
	}
	want := text(`
		cut com. example.com. ns1.example.com., ns2.example.com.
		_acme-challenge.www.example.com. in example.com.
		primary ns1.example.com.
		server ns1.example.com.
		server ns2.example.com.
		warning: _acme-challenge.www.example.com. is an alias for www.example.net. (CNAME): CAs follow it, and servers keep no other record there`)
	if got := b.show(target); got != want {
		t.Errorf("never: got\n%swant\n%s", got, want)
	}
	target, err = b.resolver.Resolve(t.Context(), challenge, Follow{Owner: "elsewhere.example.net."})
	if err != nil {
		t.Fatal(err)
	}
	want = text(`
		cut net. example.net. ns1.example.net., ns2.example.net.
		elsewhere.example.net. in example.net.
		primary ns1.example.net.
		server ns1.example.net.
		server ns2.example.net.`)
	if got := b.show(target); got != want || target.Challenge != challenge {
		t.Errorf("owner: got\n%swant\n%s", got, want)
	}
}

// The steps tell who said what.
func TestSteps(t *testing.T) {
	b := newBench(cnamed)
	target := b.resolve(t, challenge)
	addr := func(server string) netip.AddrPort { return b.Server(server).Addr() }
	want := []Step{
		{Kind: Cut, Type: "NS", From: ".", To: "com.", Zone: ".", Server: addr("a.root."), ServerNames: []Name{"ns.com."}},
		{Kind: Cut, Type: "NS", From: "com.", To: "example.com.", Zone: "com.", Server: addr("ns.com."), ServerNames: []Name{"ns1.example.com.", "ns2.example.com."}},
		{Kind: Alias, Type: "CNAME", From: challenge, To: "www.example.net.", Zone: "example.com.", Server: addr("ns1.example.com.")},
		{Kind: Cut, Type: "NS", From: ".", To: "net.", Zone: ".", Server: addr("a.root."), ServerNames: []Name{"ns.net."}},
		{Kind: Cut, Type: "NS", From: "net.", To: "example.net.", Zone: "net.", Server: addr("ns.net."), ServerNames: []Name{"ns1.example.net.", "ns2.example.net."}},
	}
	if !slices.EqualFunc(target.Steps, want, func(a, b Step) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) {
		t.Errorf("got  %+v\nwant %+v", target.Steps, want)
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

// Several names that lead to one label ask for it once.
func TestSharedLabel(t *testing.T) {
	b := newBench(func(w *authority.World) {
		var zone strings.Builder
		for i := range 20 {
			fmt.Fprintf(&zone, "_acme-challenge.h%d CNAME shared.example.net.\n", i)
		}
		w.Zone("example.com.", zone.String(), "ns1.example.com.")
		w.Zone("example.net.", "", "ns1.example.net.")
	})
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() { b.resolve(t, Name(fmt.Sprintf("_acme-challenge.h%d.example.com.", i))) })
	}
	wg.Wait()
	shared := func(q authority.Query) bool {
		return strings.EqualFold(q.Name, "shared.example.net.") && q.Server == "ns1.example.net."
	}
	if got := b.asked(shared); got != 1 {
		t.Errorf("got %d queries for the shared label, want 1", got)
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

// Name servers can be named below a name where a record belongs. Their
// addresses are found without the recursive resolver then.
func TestServerBelowOwner(t *testing.T) {
	b := newBench(func(w *authority.World) {
		w.Zone("example.com.", `
			_acme-challenge.www CNAME auth.example.net.
			_acme-challenge.mail NS ns1.auth.example.net.`, "ns1.example.com.")
		w.Zone("example.net.", "", "ns1.example.net.")
		w.Zone("auth.example.net.", "", "ns1.auth.example.net.")
		w.Zone("_acme-challenge.mail.example.com.", "", "ns1.auth.example.net.")
	})
	for _, name := range []Name{challenge, "_acme-challenge.mail.example.com."} {
		if got := b.resolve(t, name); len(got.Servers) != 1 || b.check(got.Servers[0]) != "" || len(got.Warnings) > 0 {
			t.Errorf("%s: got\n%s", name, b.show(got))
		}
	}
	for _, q := range b.Queries() {
		if q.From == b.Recursor().Addr().Addr() && q.Name != "." {
			t.Errorf("the recursive resolver was asked: %v", q)
		}
	}
}

// A server that is named below itself, without glue, is nowhere.
func TestServerBelowItself(t *testing.T) {
	b := newBench(func(w *authority.World) {
		w.Zone("example.com.", `
			_acme-challenge.www NS ns._acme-challenge.www
			_acme-challenge.mail NS ns._acme-challenge.www`, "ns1.example.com.")
	})
	for _, name := range []Name{challenge, "_acme-challenge.mail.example.com."} {
		_, err := b.resolver.Resolve(t.Context(), name, Follow{})
		want := fmt.Sprintf("no server of zone %s could say the CNAME of %s: ns._acme-challenge.www.example.com. has no known address", name, name)
		if errText(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A service of which no address is known is none.
func TestNoAddressAtAll(t *testing.T) {
	s := &service{servers: []Server{{Name: "ns1.example.com."}}, warnings: []string{"ns1.example.com. has no address"}}
	want := "no name server of zone example.com. has an address: ns1.example.com. has no address"
	if err := s.reachable(&zone{apex: "example.com."}); errText(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A recursive resolver may name the root servers without their addresses.
func TestRootWithoutAddresses(t *testing.T) {
	b := newBench(cnamed)
	b.resolver.client.UDP = bare{b.UDP()}
	b.resolve(t, challenge)
	if len(b.warned) > 0 {
		t.Errorf("warned of %q", b.warned)
	}
}

// bare is an Exchanger that drops the additional section of the root's NS records.
type bare struct{ Exchanger }

func (x bare) ExchangeContext(ctx context.Context, q *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	r, rtt, err := x.Exchanger.ExchangeContext(ctx, q, addr)
	if err == nil && q.Question[0].Name == "." {
		r.Extra = nil
	}
	return r, rtt, err
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

// firewall is an Exchanger that reaches only some servers.
type firewall struct {
	Exchanger
	open func(addr netip.Addr) error
}

func (f firewall) ExchangeContext(ctx context.Context, q *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	switch err := f.open(netip.MustParseAddrPort(addr).Addr()); {
	case err == nil:
		return f.Exchanger.ExchangeContext(ctx, q, addr)
	case errors.Is(err, context.DeadlineExceeded):
		<-ctx.Done()
		return nil, 0, ctx.Err()
	default:
		return nil, 0, &net.OpError{Op: "dial", Net: "udp", Err: os.NewSyscallError("connect", err)}
	}
}

// wall puts a firewall before the bench's resolver.
func (b *bench) wall(open func(addr netip.Addr) error) {
	b.resolver.client = &Client{UDP: firewall{b.UDP(), open}, TCP: firewall{b.TCP(), open}}
}

// Where port 53 is closed, the recursive resolver is asked instead, and that
// is said once.
func TestPortClosed(t *testing.T) {
	for _, closed := range []error{context.DeadlineExceeded, syscall.ENETUNREACH, syscall.ECONNREFUSED} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(func(w *authority.World) {
				cnamed(w)
				w.Zone("_acme-challenge.example.com.", "", "ns._acme-challenge.example.com.")
			})
			b.wall(func(a netip.Addr) error {
				if a == b.Recursor().Addr().Addr() {
					return nil
				}
				return closed
			})
			var wg sync.WaitGroup
			for _, name := range []Name{challenge, "_acme-challenge.example.com.", "_acme-challenge.mail.example.com."} {
				wg.Go(func() {
					target := b.resolve(t, name)
					want := map[Name]Name{challenge: "example.net.", "_acme-challenge.example.com.": "_acme-challenge.example.com.", "_acme-challenge.mail.example.com.": "example.com."}[name]
					if target.Zone != want || len(target.Servers) == 0 || len(target.Servers[0].Addrs) == 0 {
						t.Errorf("%s: got\n%s", name, b.show(target))
					}
				})
			}
			wg.Wait()
			want := "authoritative servers cannot be asked from here (a.root. (@a.root) " + networkCause(closed) + "; 1 more failed): asking @recursor instead, who may answer from a cache"
			if len(b.warned) != 1 || b.anonymous(b.warned[0]) != want {
				t.Errorf("got warnings %q, want %q", b.warned, want)
			}
		})
	}
}

// A root that fails later on is in trouble, not behind a closed port.
func TestRootFailsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(cnamed)
		b.resolve(t, "_acme-challenge.mail.example.com.")
		for _, s := range []string{"a.root.", "b.root."} {
			b.Server(s).Fault(authority.Fault{Dead: true})
		}
		_, err := b.resolver.Resolve(t.Context(), challenge, Follow{})
		if err == nil || len(b.warned) > 0 || !strings.Contains(err.Error(), "no server of zone . could say") {
			t.Errorf("got %v, warnings %q", err, b.warned)
		}
	})
}

// A family without a route is said once and not asked again; its addresses
// stay in the target.
func TestNoRoute(t *testing.T) {
	v6 := netip.MustParseAddr("2606:4700::1")
	b := newBench(func(w *authority.World) {
		w.Zone("example.com.", `
			ns1 AAAA 2606:4700::1
			ns2 AAAA 2606:4700::2
			ns2 A 192.0.2.2`, "ns1.example.com.", "ns2.example.com.")
		w.Server("ns1.example.com.").Addresses(0).At(v6)
		w.Server("ns2.example.com.").Addresses(0).At(netip.MustParseAddr("192.0.2.2")).At(netip.MustParseAddr("2606:4700::2"))
	})
	attempts := 0
	var mu sync.Mutex
	b.wall(func(a netip.Addr) error {
		mu.Lock()
		defer mu.Unlock()
		if a.Is6() {
			attempts++
			return syscall.ENETUNREACH
		}
		return nil
	})
	for i := range 5 {
		target := b.resolve(t, Name(fmt.Sprintf("_acme-challenge.h%d.example.com.", i)))
		if len(target.Servers) != 2 || len(target.Servers[0].Addrs) != 1 || len(target.Servers[1].Addrs) != 2 || target.Servers[1].Addrs[0].Addr().Is6() {
			t.Errorf("got servers %v", target.Servers)
		}
	}
	b.Server("ns2.example.com.").Fault(authority.Fault{Refuse: true})
	if target, err := b.resolver.Resolve(t.Context(), "_acme-challenge.last.example.com.", Follow{}); err == nil {
		t.Errorf("got %v from servers that cannot be asked", target)
	}
	want := "this host has no IPv6 route: name servers are not asked over IPv6"
	if attempts != 1 || len(b.warned) != 1 || b.warned[0] != want {
		t.Errorf("got %d attempts, warnings %q, want 1, %q", attempts, b.warned, want)
	}
}

// Where a zone has no address in another family, the error says why.
func TestNoRouteToZone(t *testing.T) {
	b := newBench(func(w *authority.World) {
		w.Zone("example.com.", `ns1 AAAA 2606:4700::1`, "ns1.example.com.")
		w.Server("ns1.example.com.").Addresses(0).At(netip.MustParseAddr("2606:4700::1"))
	})
	b.wall(func(a netip.Addr) error {
		if a.Is6() {
			return syscall.ENETUNREACH
		}
		return nil
	})
	for range 2 {
		_, err := b.resolver.Resolve(t.Context(), challenge, Follow{})
		want := "no server of zone example.com. could say the CNAME of _acme-challenge.www.example.com.: " +
			"ns1.example.com. (2606:4700::1) cannot be asked: this host has no route to it"
		if errText(err) != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// An address on a local network says nothing about the family.
func TestNoRouteToOneNetwork(t *testing.T) {
	for addr, want := range map[string]string{
		"2606:4700::1": "IPv6", "198.41.0.4": "IPv4",
		"::1": "", "127.0.0.1": "", "10.0.0.1": "", "fd00::1": "", "fe80::1": "", "192.168.1.1": "",
	} {
		var f families
		if got := f.lost(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: got %q, want %q", addr, got, want)
		}
		if got := f.lost(netip.MustParseAddr(addr)); got != "" {
			t.Errorf("%s again: got %q, want nothing", addr, got)
		}
	}
}

func TestServerWithoutAddress(t *testing.T) {
	b := newBench(func(w *authority.World) {
		w.Zone("example.com.", `
			@ NS ns1.example.com.
			@ NS ns.gone.example.com.
			@ NS ns.nobody.net.`, "ns1.example.com.")
	})
	target := b.resolve(t, challenge)
	want := text(`
		cut com. example.com. ns1.example.com.
		_acme-challenge.www.example.com. in example.com.
		primary ns1.example.com.`)
	if got := b.show(&Target{Challenge: target.Challenge, Steps: target.Steps, Owner: target.Owner, Zone: target.Zone, Primary: target.Primary}); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if len(target.Servers) != 3 || len(target.Servers[0].Addrs) != 0 || len(target.Servers[1].Addrs) != 0 || len(target.Servers[2].Addrs) != 1 {
		t.Errorf("got servers %v", target.Servers)
	}
	warnings := []string{
		"zone example.com. names the servers ns.gone.example.com., ns.nobody.net., ns1.example.com., but com. delegates it to ns1.example.com.: all of them are used",
		"ns.gone.example.com., a server of zone example.com., has no address",
		"ns.nobody.net., a server of zone example.com., has no address",
	}
	if !slices.Equal(target.Warnings, warnings) {
		t.Errorf("got warnings %q, want %q", target.Warnings, warnings)
	}
}

// Glue that is out of date is used first by resolvers, so it counts.
func TestStaleGlue(t *testing.T) {
	b := newBench(func(w *authority.World) {
		w.Zone("example.com.", `
			www NS ns.www
			ns.www A 127.0.0.1`, "ns1.example.com.")
		w.Zone("www.example.com.", "", "ns.www.example.com.")
	})
	b.Server("ns.www.example.com.")
	_, err := b.resolver.Resolve(t.Context(), challenge, Follow{})
	want := "no server of zone www.example.com. could say the CNAME of _acme-challenge.www.example.com.: " +
		"ns.www.example.com. (127.0.0.1) cannot be asked: nothing listens there"
	if errText(err) != want {
		t.Errorf("got %v, want %s", err, want)
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

func TestHints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(cnamed)
		asked := map[netip.Addr]bool{}
		var mu sync.Mutex
		b.wall(func(a netip.Addr) error {
			mu.Lock()
			defer mu.Unlock()
			asked[a] = true
			return context.DeadlineExceeded
		})
		if _, err := b.resolver.Resolve(t.Context(), challenge, Follow{}); err == nil {
			t.Error("got no error in a world without an answer")
		}
		for _, h := range hints {
			for _, a := range []string{h.v4, h.v6} {
				if !asked[netip.MustParseAddr(a)] {
					t.Errorf("%s (%s) was not asked", h.host, a)
				}
			}
		}
	})
}

func TestSystemResolvers(t *testing.T) {
	for _, test := range []struct {
		conf      string
		want, err string
	}{
		{conf: "nameserver 192.0.2.53\nnameserver fe80::1%eth0\n", want: "[192.0.2.53:53 [fe80::1%eth0]:53]"},
		{conf: "search example.com\n", err: "no recursive resolver is known: PATH: it names none"},
		{err: "no recursive resolver is known: PATH: no such file or directory"},
	} {
		path := filepath.Join(t.TempDir(), "resolv.conf")
		if test.conf != "" {
			if err := os.WriteFile(path, []byte(test.conf), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := systemResolvers(path)
		if want := strings.ReplaceAll(test.err, "PATH", path); errText(err) != want || err == nil && fmt.Sprint(got) != test.want {
			t.Errorf("got %v, %v, want %s%s", got, err, test.want, want)
		}
	}
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
