package delegate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/lab/authority"
)

// world is a main zone on two servers, a target zone, and a zone for NS that
// nobody finds yet.
func world() (w *authority.World, main, auth *authority.Zone) {
	w = authority.New()
	main = w.Zone("example.com.", "www A 192.0.2.1", "ns1.example.com.", "ns2.example.com.")
	auth = w.Zone("auth.example.net.", "", "ns1.example.net.")
	w.Zone("_acme-challenge.www.example.com.", "", "ns1.example.net.").Undelegated()
	w.Recursor()
	return w, main, auth
}

// watch returns a Watch in a world, and a function that returns what it saw.
func watch(w *authority.World) (*Watch, func() []string) {
	client := &delegation.Client{UDP: w.UDP(), TCP: w.TCP()}
	var seen []string
	v := &Watch{
		Client: client,
		Resolver: func() *delegation.Resolver {
			o := delegation.Options{Client: client, Port: w.Port()}
			o.Recursive = append(o.Recursive, w.Recursor().Addr())
			return delegation.NewResolver(o)
		},
		Observe: func(s Sighting) {
			seen = append(seen, fmt.Sprintf("%s %s: %s", s.Server.Name, s.Record.Type, s.Answer))
		},
	}
	return v, func() []string { return seen }
}

func plan(t *testing.T, r Request) *Plan {
	t.Helper()
	p, err := r.Plan()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var toAuth = Request{Names: []string{"www.example.com"}, To: "auth.example.net."}

// TestWaitForLateServer checks that one server with the record is not enough,
// and that each answer is told once.
func TestWaitForLateServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, main, _ := world()
		w.Server("ns2.example.com.").Lag(5 * time.Minute)
		v, seen := watch(w)
		began := time.Now()
		time.AfterFunc(time.Hour, func() { main.Add("_acme-challenge.www CNAME www-example-com.auth.example.net.") })
		if err := v.Wait(t.Context(), plan(t, toAuth)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 65*time.Minute || took > 66*time.Minute {
			t.Errorf("got %v, want a little more than the 65 minutes that the second server takes", took)
		}
		for _, want := range []string{"ns1.example.com. CNAME: NXDOMAIN", "ns1.example.com. CNAME: there", "ns2.example.com. CNAME: NXDOMAIN", "ns2.example.com. CNAME: there"} {
			if n := count(seen(), want); n != 1 {
				t.Errorf("%s: got it %d times, want once: %q", want, n, seen())
			}
		}
		if n := len(w.Queries()); n > 8000 {
			t.Errorf("got %d queries in an hour", n)
		}
	})
}

// TestWaitSetsFailingServerAside checks that a server that says nothing does
// not hold up, but only after several tries.
func TestWaitSetsFailingServerAside(t *testing.T) {
	for _, test := range []struct {
		servfail int
		atLeast  time.Duration
	}{{-1, 0}, {1, 5 * time.Minute}} {
		synctest.Test(t, func(t *testing.T) {
			w, main, _ := world()
			w.Server("ns2.example.com.").Lag(5 * time.Minute).Fault(authority.Fault{Servfail: test.servfail})
			v, _ := watch(w)
			began := time.Now()
			main.Add("_acme-challenge.www CNAME www-example-com.auth.example.net.")
			if err := v.Wait(bounded(t), plan(t, toAuth)); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took < test.atLeast || took > test.atLeast+time.Minute {
				t.Errorf("%d SERVFAILs: got it after %v, want %v", test.servfail, took, test.atLeast)
			}
		})
	}
}

// TestWaitForAnyServer checks that failing servers alone are never the record.
func TestWaitForAnyServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, _ := world()
		for _, name := range []string{"ns1.example.com.", "ns2.example.com."} {
			w.Server(name).Fault(authority.Fault{Lie: func(q *dns.Msg) *dns.Msg {
				if dns.CanonicalName(q.Question[0].Name) != "_acme-challenge.www.example.com." {
					return nil
				}
				return new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
			}})
		}
		v, _ := watch(w)
		var pending *PendingError
		if err := v.Wait(bounded(t), plan(t, toAuth)); !errors.As(err, &pending) || len(pending.Missing) != 2 {
			t.Errorf("got %v, want a *PendingError with two servers", err)
		}
	})
}

// bounded returns a context for an hour of the bubble.
func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	t.Cleanup(cancel)
	return ctx
}

// TestWaitForReferral checks that a delegation and its glue are seen in a
// referral, and that all NS records are wanted.
func TestWaitForReferral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, main, _ := world()
		addr := w.Server("ns1.example.net.").Addr().Addr().String()
		request := Request{Names: []string{"www.example.com"}, Hosts: hosts(t, "ns1.example.net", "ns1._acme-challenge.www.example.com="+addr)}
		v, seen := watch(w)
		time.AfterFunc(time.Minute, func() { main.Add("_acme-challenge.www NS ns1.example.net.") })
		time.AfterFunc(2*time.Minute, func() {
			main.Add("_acme-challenge.www NS ns1._acme-challenge.www\nns1._acme-challenge.www A " + addr)
		})
		began := time.Now()
		if err := v.Wait(bounded(t), plan(t, request)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 2*time.Minute {
			t.Errorf("got the end after %v, want all records", took)
		}
		for _, want := range []string{"ns1.example.com. NS: there", "ns2.example.com. A: there"} {
			if count(seen(), want) == 0 {
				t.Errorf("got %q, want %s", seen(), want)
			}
		}
	})
}

// TestWaitStray checks that records that are there but lead elsewhere are an
// error, and no reason to wait: to another name, and to the right name in a
// zone that the key for the target zone cannot write.
func TestWaitStray(t *testing.T) {
	for _, elsewhere := range []string{"CNAME elsewhere.example.com.", "NS ns1.example.com."} {
		synctest.Test(t, func(t *testing.T) {
			w, main, auth := world()
			w.Zone("www-example-com.auth.example.net.", "", "ns1.example.com.").Undelegated()
			main.Add("_acme-challenge.www CNAME www-example-com.auth.example.net.")
			auth.Add("www-example-com " + elsewhere)
			v, _ := watch(w)
			var stray *StrayError
			if err := v.Wait(bounded(t), plan(t, toAuth)); !errors.As(err, &stray) {
				t.Errorf("%s: got %v, want a *StrayError", elsewhere, err)
			}
		})
	}
}

func count(all []string, want string) int {
	return len(all) - len(slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == want }))
}
