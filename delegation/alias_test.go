package delegation

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/miekg/dns"

	"certctl/lab/authority"
)

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

// That nobody says whether the place exists is an error also where the user has
// named it, with the way as far as it is known.
func TestFollowUnanswered(t *testing.T) {
	b := newBench(cnamed)
	for _, ns := range []string{"ns1.example.net.", "ns2.example.net."} {
		b.Server(ns).Fault(authority.Fault{Refuse: true})
	}
	target, err := b.resolver.Trace(t.Context(), challenge, Follow{Owner: "elsewhere.example.net."})
	if e, ok := errors.AsType[*ServersError](err); !ok || e.Zone != "example.net." || target.Owner != "" {
		t.Errorf("got %q, %v, want that the servers of example.net. refuse", target.Owner, err)
	}
	if n := len(target.Steps); n == 0 || target.Steps[n-1].To != "example.net." {
		t.Errorf("got %v, want the steps to example.net.", target.Steps)
	}
	if !b.resolver.owners.cover("ns.elsewhere.example.net.") {
		t.Error("got that a resolver may be asked for names below the place")
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
