package nameserver

import (
	"os"
	"path/filepath"
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
	answer, _, ok := s.quick(nil, packed, somebody, true)
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
		expect("after a restart", servfail, noerror)
		time.Sleep(expire * time.Second)
		expect("long after a restart", servfail, servfail)
		for n := range s.Zones {
			s.Zones[n].Primary = nil
		}
		if err := secondary.Reload(s); err != nil {
			t.Fatal(err)
		}
		expect("when it is the primary", noerror, noerror)
	})
}

// TestExpiryKept restarts a secondary again and again, with its values on the
// disk: that it was reached counts, and that it was started does not. The disk
// is written to now and then only.
func TestExpiryKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		primary, _, p, s := apart(t)
		put(t, p.Values, auth, "www.auth.example.net.", "one")
		dir := t.TempDir()
		start := func() *Server {
			t.Helper()
			if err := s.Values.Close(); err != nil {
				t.Fatal(err)
			}
			var err error
			if s.Values, err = values.Open(dir); err != nil {
				t.Fatal(err)
			}
			return newServer(t, s)
		}
		t.Cleanup(func() { s.Values.Close() })
		length := func() int64 {
			info, err := os.Stat(filepath.Join(dir, "values.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			return info.Size()
		}
		secondary := start()
		reach(t, primary, secondary, auth)
		before := length()
		for range 3 * 24 * 3600 / refresh {
			time.Sleep(refresh * time.Second)
			reach(t, primary, secondary, auth)
		}
		if grown := length() - before; grown == 0 || grown > keptParts*100 {
			t.Errorf("got %d octets written in three days of looking, want some", grown)
		}
		const part = expire * time.Second / keptParts
		for _, wait := range []time.Duration{0, 6 * 24 * time.Hour, 6 * 24 * time.Hour, 2*24*time.Hour - part - time.Second} {
			time.Sleep(wait)
			if secondary = start(); both(t, secondary, "www.auth.example.net.") != "NOERROR" {
				t.Fatalf("got no answer %v after the last restart", wait)
			}
		}
		time.Sleep(part + time.Second)
		for range 2 {
			if got := both(t, start(), "www.auth.example.net."); got != "SERVFAIL" {
				t.Errorf("got %s after the expire time, want SERVFAIL", got)
			}
		}
		secondary = start()
		reach(t, primary, secondary, auth)
		if got := both(t, start(), "www.auth.example.net."); got != "NOERROR" {
			t.Errorf("got %s after the primary came back, want NOERROR", got)
		}
	})
}

// TestExpiryOfOthers is about a zone that was here before it had a primary: a
// restart does not give it more time either.
func TestExpiryOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, _, s := apart(t)
		if err := s.Values.Replace(auth, 1, []values.Value{{Owner: "www.auth.example.net.", Text: "one"}}); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"NOERROR", "NOERROR", "SERVFAIL"} {
			if got := both(t, newServer(t, s), "www.auth.example.net."); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			time.Sleep(expire * time.Second / 2)
		}
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
		list = z.transferred(new(dns.Msg).SetAxfr(string(name)), true)
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
