package nameserver

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/nameserver/values"
)

// both asks the slow way and the quick one, and returns the rcode if it is the
// same.
func both(t *testing.T, s *Server, name delegation.Name) string {
	t.Helper()
	q := new(dns.Msg).SetQuestion(string(name), dns.TypeTXT)
	slow, quick := s.Answer(q, somebody, true), new(dns.Msg)
	packed, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	answer, ok := s.quick(nil, packed, somebody, true)
	if !ok || quick.Unpack(answer) != nil || quick.Rcode != slow.Rcode {
		t.Fatalf("%s: got %v quickly and %v slowly", name, quick, slow)
	}
	return dns.RcodeToString[slow.Rcode]
}

// TestExpiry has a secondary fall silent when its primary was not reached for
// the expire time, and answer again after the next transfer.
func TestExpiry(t *testing.T) {
	const servfail, noerror = "SERVFAIL", "NOERROR"
	synctest.Test(t, func(t *testing.T) {
		primary, secondary, p, s := apart(t)
		put(t, p.Values, auth, "www.auth.example.net.", "one")
		put(t, p.Values, www, www, "three")
		expect := func(when, single, family string) {
			t.Helper()
			for name, want := range map[delegation.Name]string{"www.auth.example.net.": single, www: family} {
				if got := both(t, secondary, name); got != want {
					t.Errorf("%s: %s: got %s, want %s", when, name, got, want)
				}
			}
		}
		expect("before the first transfer", servfail, servfail)
		reach(t, primary, secondary, auth)
		reach(t, primary, secondary, familyName("example.com."))
		expect("after it", noerror, noerror)
		time.Sleep(expire*time.Second - time.Nanosecond)
		expect("at the last moment", noerror, noerror)
		reach(t, primary, secondary, auth) // nothing has changed
		if err := secondary.Reload(s); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Nanosecond)
		expect("when one was reached", noerror, servfail)
		time.Sleep(expire * time.Second)
		expect("when none was reached", servfail, servfail)
		reach(t, primary, secondary, familyName("example.com."))
		expect("when the other one was reached", servfail, noerror)
		secondary = newServer(t, s)
		expect("after a start", noerror, noerror)
		time.Sleep(expire * time.Second)
		expect("long after a start", servfail, servfail)
		for n := range s.Zones {
			s.Zones[n].Primary = nil
		}
		if err := secondary.Reload(s); err != nil {
			t.Fatal(err)
		}
		expect("when it is the primary", noerror, noerror)
	})
}

// apart makes a primary and a secondary that do not reach each other.
func apart(t *testing.T) (primary, secondary *Server, p, s Config) {
	t.Helper()
	p, s = world(), world()
	p.Keys = []Key{{Name: "transfer.", Algorithm: "hmac-sha256", Secret: []byte("secret")}}
	s.Keys = p.Keys
	for n := range s.Zones {
		s.Zones[n].Primary = &Peer{somebody, "transfer."}
	}
	return newServer(t, p), newServer(t, s), p, s
}

// reach has a secondary take what its primary says of a zone or a family.
func reach(t *testing.T, primary, secondary *Server, name delegation.Name) {
	t.Helper()
	from, to := primary.hosting.Load(), secondary.followed(nil)[name]
	z, _ := from.zone(name)
	var list []dns.RR
	if f := from.familyOf(name); f != nil {
		list = from.family(f)
	} else {
		list = from.transferred(z, new(dns.Msg).SetAxfr(string(name)), true)
	}
	if err := secondary.takeOver(to, list); err != nil {
		t.Fatal(err)
	}
}

// TestShortExpiry has a primary whose zone expires sooner than it is asked
// again.
func TestShortExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, secondary, _, s := apart(t)
		if err := s.Values.Replace(auth, 1, []values.Value{{Owner: "www.auth.example.net.", Text: "one"}}); err != nil {
			t.Fatal(err)
		}
		soa := zone{secondary.hosting.Load().zones[auth], auth}.soaAt(1).(*dns.SOA)
		soa.Expire = 1
		if err := secondary.takeOver(secondary.followed(nil)[auth], []dns.RR{soa}); err != nil {
			t.Fatal(err)
		}
		for after, want := range []string{"NOERROR", "NOERROR", "SERVFAIL"} {
			if got := both(t, secondary, "www.auth.example.net."); got != want {
				t.Errorf("after %d s: got %s, want %s", after*refresh, got, want)
			}
			time.Sleep(refresh * time.Second)
		}
	})
}
