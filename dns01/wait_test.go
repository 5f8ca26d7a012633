package dns01_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/lab/authority"
)

// site is a zone with servers at 192.0.2.1, .2 and so on, and what is told
// about it.
type site struct {
	*authority.World
	zone    *authority.Zone
	names   []string
	servers []delegation.Server
	client  *delegation.Client
	seen    []dns01.Observation
	timeout time.Duration
	settle  time.Duration
}

// newSite returns the zone auth.example.net, served by servers called ns1, ns2
// and so on.
func newSite(servers int) *site {
	s := &site{World: authority.New()}
	for i := range servers {
		name := fmt.Sprintf("ns%d.example.net.", i+1)
		addr := netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)})
		s.Server(name).Addresses(0).At(addr)
		s.names = append(s.names, name)
		s.servers = append(s.servers, delegation.Server{
			Name: delegation.Name(name), Addrs: []netip.AddrPort{netip.AddrPortFrom(addr, 53)},
		})
	}
	s.zone = s.Zone("auth.example.net.", "", s.names...)
	s.client = &delegation.Client{UDP: s.UDP(), TCP: s.TCP()}
	return s
}

// publication is a value at a label of the zone, unknown to the servers as yet.
func (s *site) publication(label, value string) dns01.Publication {
	c := dns01.NewCredential("test", "auth.example.net.", nil)
	c.Propagation = dns01.Propagation{Timeout: s.timeout, Settle: s.settle}
	t := &delegation.Target{Zone: "auth.example.net.", Owner: delegation.Name(label + ".auth.example.net."), Servers: s.servers}
	return dns01.Publication{Grant: dns01.Grant{Target: t, Credential: c}, Value: value}
}

// publish returns publications of one value at each label, which the primary
// has.
func (s *site) publish(labels ...string) []dns01.Publication {
	var ps []dns01.Publication
	for _, l := range labels {
		s.zone.Add(l + ` TXT "value"`)
		ps = append(ps, s.publication(l, "value"))
	}
	return ps
}

func (s *site) wait(ps ...dns01.Publication) (time.Duration, error) {
	began := time.Now()
	err := dns01.Wait(context.Background(), s.client, ps, func(o dns01.Observation) { s.seen = append(s.seen, o) })
	return time.Since(began), err
}

// story returns what was observed of a server, in order.
func (s *site) story(server string) string {
	var answers []string
	for _, o := range s.seen {
		if o.Server.Name == delegation.Name(server) {
			text := o.Answer
			if o.Aside {
				text += ": aside"
			}
			answers = append(answers, text)
		}
	}
	return strings.Join(answers, ", ")
}

func within(t *testing.T, got, low, high time.Duration) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("waited: got %v, want %v to %v", got, low, high)
	}
}

func TestWait(t *testing.T) {
	dead := authority.Fault{Dead: true}
	tests := []struct {
		name      string
		lag       time.Duration // of the second of three servers
		fault     authority.Fault
		low, high time.Duration
		story     string // of the second server
	}{
		{"all have it", 0, authority.Fault{}, 0, 0, "has the value"},
		{"late", 700 * time.Millisecond, authority.Fault{}, 700 * time.Millisecond, 1200 * time.Millisecond, "NXDOMAIN, has the value"},
		{"late by a minute", time.Minute, authority.Fault{}, time.Minute, 62500 * time.Millisecond, "NXDOMAIN, has the value"},
		{"dead", 0, dead, 10 * time.Second, 13 * time.Second, "timeout, timeout: aside"},
		{"lame", 0, authority.Fault{NoAA: true}, 10 * time.Second, 13 * time.Second, "not authoritative, not authoritative: aside"},
		{"refuses", 0, authority.Fault{Refuse: true}, 10 * time.Second, 13 * time.Second, "REFUSED, REFUSED: aside"},
		{"fails", 0, authority.Fault{Servfail: -1}, 10 * time.Second, 13 * time.Second, "SERVFAIL, SERVFAIL: aside"},
		{"fails twice", 0, authority.Fault{Servfail: 2}, 50 * time.Millisecond, 200 * time.Millisecond, "SERVFAIL, has the value"},
		{"truncates", 0, authority.Fault{Truncate: true}, 0, 0, "has the value"},
		{"lower case", 0, authority.Fault{LowerCase: true}, 0, 0, "has the value"},
		{"slow", 0, authority.Fault{Delay: time.Second}, time.Second, time.Second, "has the value"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(3)
				s.Server("ns2.example.net.").Lag(test.lag).Fault(test.fault)
				waited, err := s.wait(s.publish("a")...)
				if err != nil {
					t.Fatal(err)
				}
				within(t, waited, test.low, test.high)
				if got := s.story("ns2.example.net."); got != test.story {
					t.Errorf("second server: got %q, want %q", got, test.story)
				}
				if got := s.story("ns1.example.net."); got != "has the value" {
					t.Errorf("first server: got %q, want %q", got, "has the value")
				}
			})
		})
	}
}

// The table is what the user gets to see after ten minutes.
func TestWaitNever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(3)
		s.Server("ns2.example.net.").Lag(authority.Never)
		s.Server("ns3.example.net.").Fault(authority.Fault{Dead: true})
		waited, err := s.wait(s.publish("a")...)
		within(t, waited, 10*time.Minute, 10*time.Minute)
		var failure *dns01.PropagationError
		if !errors.As(err, &failure) {
			t.Fatalf("got %v, want a *PropagationError", err)
		}
		want := `zone auth.example.net.: not every server has the records after 10m0s:
  ns1.example.net.  192.0.2.1:53  has the value  since 0s  a.auth.example.net.
  ns2.example.net.  192.0.2.2:53  NXDOMAIN       since 0s  a.auth.example.net.
  ns3.example.net.  192.0.2.3:53  timeout        since 6s  a.auth.example.net.`
		if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Errorf("error (-want +got):\n%s", diff)
		}
		want = "ns2.example.net. (192.0.2.2:53) answers without the value: is it notified, and may it transfer the zone? Where it is only slow, set propagation: {timeout: …} for auth.example.net"
		if got := failure.Hint(); got != want {
			t.Errorf("hint: got %q, want %q", got, want)
		}
	})
}

func TestWaitSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(2)
		s.timeout = time.Minute
		for _, name := range s.names {
			s.Server(name).Fault(authority.Fault{Dead: true})
		}
		_, err := s.wait(s.publish("a", "b", "c")...)
		want := `zone auth.example.net.: not every server has the records after 1m0s:
  ns1.example.net.  192.0.2.1:53  timeout  since 6s  a.auth.example.net. and 2 more
  ns2.example.net.  192.0.2.2:53  timeout  since 6s  a.auth.example.net. and 2 more`
		if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
			t.Errorf("error (-want +got):\n%s", diff)
		}
		var failure *dns01.PropagationError
		if !errors.As(err, &failure) {
			t.Fatalf("got %T, want a *PropagationError", err)
		}
		want = "ns2.example.net. (192.0.2.2:53) gives no usable answer: may this host reach it on that port, over UDP and TCP, and does it serve auth.example.net.?"
		if got := failure.Hint(); got != want {
			t.Errorf("hint: got %q, want %q", got, want)
		}
	})
}

func TestWaitNobodyToAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(1)
		s.servers = nil
		waited, err := s.wait(s.publication("a", "value"))
		within(t, waited, 0, 0)
		if want := "zone auth.example.net.: no server is known"; fmt.Sprint(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}

// A server that was set aside and then answers is waited for again.
func TestWaitBackFromAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(3)
		s.timeout = time.Minute
		s.Server("ns2.example.net.").Lag(authority.Never).Fault(authority.Fault{Refuse: true})
		s.Server("ns3.example.net.").Lag(30 * time.Second)
		back := time.AfterFunc(20*time.Second, func() { s.Server("ns2.example.net.").Fault(authority.Fault{}) })
		defer back.Stop()
		waited, err := s.wait(s.publish("a")...)
		within(t, waited, time.Minute, time.Minute)
		if err == nil {
			t.Error("got no error, want one about a server without the value")
		}
		if got, want := s.story("ns2.example.net."), "REFUSED, NXDOMAIN"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// stopped is a world in which nothing listens at 192.0.2.2 for a while.
type stopped struct {
	delegation.Exchanger
	until time.Time
}

func (s stopped) ExchangeContext(ctx context.Context, m *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	if addr == "192.0.2.2:53" && time.Now().Before(s.until) {
		return nil, 0, &net.OpError{Op: "read", Net: "udp", Err: syscall.ECONNREFUSED}
	}
	return s.Exchanger.ExchangeContext(ctx, m, addr)
}

// A server that is stopped is set aside soon, unless it is started again by
// then, or while others are waited for: then it has to have the value.
func TestWaitStopped(t *testing.T) {
	const second = time.Second
	for _, test := range []struct {
		name      string
		stopped   time.Duration
		lag       time.Duration // of the second server
		other     time.Duration // lag of the third
		fault     authority.Fault
		low, high time.Duration
		story     string // of the second server
	}{
		{"for good", time.Hour, 0, 0, authority.Fault{}, 2 * second, 3 * second, "connection refused, connection refused: aside"},
		{"for a moment", second, 0, 0, authority.Fault{}, second, 2 * second, "connection refused, has the value"},
		{"for a moment, and is late then", second, 30 * second, 0, authority.Fault{}, 30 * second, 33 * second, "connection refused, NXDOMAIN, has the value"},
		{"longer, but another is late", 15 * second, 40 * second, 20 * second, authority.Fault{}, 40 * second, 43 * second, "connection refused, NXDOMAIN, has the value"},
		{"and out of order then", 1500 * time.Millisecond, 0, 0, authority.Fault{Servfail: -1}, 10 * second, 13 * second, "connection refused, SERVFAIL, SERVFAIL: aside"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(3)
				s.client.UDP = stopped{s.UDP(), time.Now().Add(test.stopped)}
				s.Server("ns2.example.net.").Lag(test.lag).Fault(test.fault)
				s.Server("ns3.example.net.").Lag(test.other)
				waited, err := s.wait(s.publish("a", "b")...)
				if err != nil {
					t.Fatal(err)
				}
				within(t, waited, test.low, test.high)
				s.seen = slices.DeleteFunc(s.seen, func(o dns01.Observation) bool { return o.Owner != "a.auth.example.net." })
				if got := s.story("ns2.example.net."); got != test.story {
					t.Errorf("got %q, want %q", got, test.story)
				}
			})
		})
	}
}

// The last server with the value may not be set aside.
func TestWaitNobodyHasIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(1)
		s.Server("ns1.example.net.").Fault(authority.Fault{Dead: true})
		revive := time.AfterFunc(40*time.Second, func() { s.Server("ns1.example.net.").Fault(authority.Fault{}) })
		defer revive.Stop()
		waited, err := s.wait(s.publish("a")...)
		if err != nil {
			t.Fatal(err)
		}
		within(t, waited, 40*time.Second, 48*time.Second)
	})
}

// One name of a server, two addresses, one of them stale.
func TestWaitEveryAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(2)
		s.Server("ns2.example.net.").Lag(5 * time.Second)
		s.servers = []delegation.Server{{Name: "ns1.example.net.", Addrs: append(s.servers[0].Addrs, s.servers[1].Addrs...)}}
		waited, err := s.wait(s.publish("a")...)
		if err != nil {
			t.Fatal(err)
		}
		within(t, waited, 5*time.Second, 8*time.Second)
		for _, o := range s.seen {
			if len(o.Server.Addrs) != 1 {
				t.Errorf("observation of %v, want one address", o.Server)
			}
		}
	})
}

func TestWaitSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(2)
		s.settle = 10 * time.Second
		s.Server("ns2.example.net.").Lag(time.Second)
		waited, err := s.wait(s.publish("a")...)
		if err != nil {
			t.Fatal(err)
		}
		within(t, waited, 11*time.Second, 12*time.Second)
	})
}

// unrouted is a host without IPv6.
type unrouted struct {
	delegation.Exchanger
	op string // "dial": this host has no route; "read": a router on the way has none
}

func (u unrouted) ExchangeContext(ctx context.Context, m *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	if strings.HasPrefix(addr, "[") {
		return nil, 0, &net.OpError{Op: u.op, Net: "udp", Err: syscall.ENETUNREACH}
	}
	return u.Exchanger.ExchangeContext(ctx, m, addr)
}

func TestWaitWithoutRoute(t *testing.T) {
	for _, test := range []struct {
		op        string
		low, high time.Duration
		said      int
	}{{"dial", 0, 0, 1}, {"read", 10 * time.Second, 13 * time.Second, 0}} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(1)
			s.client.UDP = unrouted{s.UDP(), test.op}
			s.servers[0].Addrs = append(s.servers[0].Addrs, netip.MustParseAddrPort("[2001:db8::1]:53"))
			waited, err := s.wait(s.publish("a", "b", "c")...)
			if err != nil {
				t.Fatal(err)
			}
			within(t, waited, test.low, test.high)
			said := slices.DeleteFunc(s.seen, func(o dns01.Observation) bool { return o.Answer != "no route from this host" })
			if len(said) != test.said {
				t.Errorf("got %d observations of no route, want %d: %v", len(said), test.said, said)
			}
		})
	}
}

func TestWaitSeveralValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(1)
		s.zone.Add(`a TXT "other"`)
		at := func(after time.Duration, text string) { time.AfterFunc(after, func() { s.zone.Add(text) }) }
		at(5*time.Second, `a TXT "first"`)
		at(10*time.Second, `a TXT "sec" "ond"`)
		waited, err := s.wait(s.publication("a", "first"), s.publication("a", "second"), s.publication("a", "first"))
		if err != nil {
			t.Fatal(err)
		}
		within(t, waited, 10*time.Second, 13*time.Second)
		if got, want := s.story("ns1.example.net."), "1 other value, 1 of 2 values, has all 2 values"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestWaitAlias(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(1)
		s.timeout = time.Second
		s.zone.Add("a CNAME b\nc A 192.0.2.99")
		s.wait(s.publication("a", "value"), s.publication("c", "value"))
		got := []string{s.seen[0].Answer, s.seen[1].Answer}
		slices.Sort(got)
		if want := []string{"alias for b.auth.example.net.", "no TXT record"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestWaitCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(2)
		s.Server("ns1.example.net.").Fault(authority.Fault{Dead: true})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, cancel)
		began := time.Now()
		err := dns01.Wait(ctx, s.client, []dns01.Publication{s.publication("a", "value")}, nil)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		within(t, time.Since(began), 2*time.Second, 2*time.Second)
	})
}

// One question for each server and owner, and none for who has it already.
func TestWaitAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(2)
		s.Server("ns2.example.net.").Lag(3 * time.Second)
		var labels []string
		for i := range 100 {
			labels = append(labels, fmt.Sprintf("n%d", i))
		}
		if _, err := s.wait(s.publish(labels...)...); err != nil {
			t.Fatal(err)
		}
		if got := len(s.Server("ns1.example.net.").Queries()); got != 100 {
			t.Errorf("questions to the server that has all: got %d, want 100", got)
		}
		for _, q := range s.Queries() {
			if q.RD {
				t.Fatalf("%v: recursion is desired", q)
			}
		}
	})
}

// A dead server is not asked a hundred times, and does not keep the others.
func TestWaitManyNamesOneDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(3)
		s.Server("ns1.example.net.").Fault(authority.Fault{Dead: true})
		s.Server("ns2.example.net.").Lag(100 * time.Millisecond)
		var labels []string
		for i := range 500 {
			labels = append(labels, fmt.Sprintf("n%d", i))
		}
		waited, err := s.wait(s.publish(labels...)...)
		if err != nil {
			t.Fatal(err)
		}
		within(t, waited, 10*time.Second, 13*time.Second)
		for _, o := range s.seen {
			if o.Server.Name == "ns2.example.net." && o.Done && o.Elapsed > 500*time.Millisecond {
				t.Fatalf("the second server was found ready after %v", o.Elapsed)
			}
		}
		if got := len(s.Server("ns1.example.net.").Queries()); got > 100 {
			t.Errorf("packets to the dead server: got %d, want at most 100", got)
		}
	})
}

// A zone that is not ready does not hide one that is, and each has its time.
func TestWaitZones(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(1)
		ps := s.publish("a")
		s.timeout = 30 * time.Second
		late := s.publication("b", "value")
		late.Target.Zone, late.Target.Owner = "b.auth.example.net.", "b.auth.example.net."
		waited, err := s.wait(append(ps, late)...)
		within(t, waited, 30*time.Second, 30*time.Second)
		var failure *dns01.PropagationError
		if !errors.As(err, &failure) || failure.Zone != "b.auth.example.net." || strings.Count(err.Error(), "zone ") != 1 {
			t.Errorf("got %v, want an error about b.auth.example.net. alone", err)
		}
	})
}

// Where authoritative servers cannot be asked, the recursive resolver is, with
// recursion desired, and answers without authority.
func TestWaitProxied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(1)
		resolver := s.Recursor()
		p := s.publication("a", "value")
		p.Target.Proxied, p.Target.Resolvers = true, []netip.AddrPort{resolver.Addr()}
		time.AfterFunc(5*time.Second, func() { s.zone.Add(`a TXT "value"`) })
		waited, err := s.wait(p)
		if err != nil {
			t.Fatal(err)
		}
		within(t, waited, 5*time.Second, 8*time.Second)
		if got, want := s.story("resolver"), "NXDOMAIN, has the value"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}

		s.timeout = time.Minute
		resolver.Cache(true)
		p = s.publication("b", "value")
		p.Target.Proxied, p.Target.Resolvers = true, []netip.AddrPort{resolver.Addr()}
		time.AfterFunc(5*time.Second, func() { s.zone.Add(`b TXT "value"`) })
		_, err = s.wait(p)
		var failure *dns01.PropagationError
		if !errors.As(err, &failure) || !strings.Contains(failure.Hint(), "may deny it from its cache") {
			t.Errorf("got %v, want an error with a hint at the cache", err)
		}
	})
}
