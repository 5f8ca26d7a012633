package trace_test

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/lab/authority"
	"certctl/trace"
)

// scene is a world without sockets, whose servers have addresses that do not
// change from run to run: 192.0.2.1 and onward, in the order of their first
// mention.
type scene struct {
	*authority.World
	given    []string
	resolver *delegation.Resolver
	closed   bool         // port 53 is, but for the resolver
	sent     atomic.Int64 // queries, to authoritative servers and to the resolver
}

// network is what lies between us and the servers: it counts queries.
type network struct {
	delegation.Exchanger
	*scene
}

func (n network) ExchangeContext(ctx context.Context, m *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	n.sent.Add(1)
	if n.closed && addr != n.Recursor().Addr().String() {
		return nil, 0, &net.OpError{Op: "read", Net: "udp", Err: syscall.ECONNREFUSED}
	}
	if strings.HasPrefix(addr, "[") {
		return nil, 0, &net.OpError{Op: "dial", Net: "udp", Err: syscall.ENETUNREACH}
	}
	return n.Exchanger.ExchangeContext(ctx, m, addr)
}

func newScene(build func(s *scene)) *scene {
	s := &scene{World: authority.New()}
	s.zone(".", "", "a.root.", "b.root.")
	s.zone("com.", "", "a.tld.net.", "b.tld.net.")
	s.zone("net.", "", "a.tld.net.", "b.tld.net.")
	build(s)
	s.renew()
	return s
}

func (s *scene) renew() {
	s.resolver = delegation.NewResolver(delegation.Options{
		Recursive: []netip.AddrPort{s.Recursor().Addr()},
		Client:    &delegation.Client{UDP: network{s.UDP(), s}, TCP: network{s.TCP(), s}, NSID: true},
	})
}

func (s *scene) zone(apex, text string, servers ...string) *authority.Zone {
	for _, name := range servers {
		s.server(name)
	}
	return s.Zone(apex, text, servers...)
}

func (s *scene) server(name string) *authority.Server {
	server := s.Server(name)
	if !slices.Contains(s.given, name) {
		s.given = append(s.given, name)
		server.Addresses(0).At(netip.AddrFrom4([4]byte{192, 0, 2, byte(len(s.given))}))
	}
	return server
}

func (s *scene) trace(t testing.TB, names ...string) []*trace.Way {
	t.Helper()
	return trace.All(context.Background(), s.resolver, s.queries(t, names...))
}

func (s *scene) queries(t testing.TB, names ...string) []trace.Query {
	t.Helper()
	var queries []trace.Query
	for _, name := range names {
		challenge, err := delegation.ChallengeName(name)
		if err != nil {
			t.Fatal(err)
		}
		queries = append(queries, trace.Query{Name: name, Challenge: challenge})
	}
	return queries
}

// cnamed is a world with an alias to a challenge zone.
func cnamed(s *scene) {
	s.zone("example.com.", `
		_acme-challenge     CNAME example-com.auth.example.net.
		_acme-challenge.www CNAME www.auth.example.net.
	`, "ns1.example.com.", "ns2.example.com.")
	s.zone("example.net.", "", "ns1.example.net.", "ns2.example.net.")
	s.zone("auth.example.net.", "", "ns1.example.net.", "ns3.example.net.")
}

// anonymous takes out the resolver's address, which is another in each run.
func (s *scene) anonymous(text string) string {
	return strings.ReplaceAll(text, s.Recursor().Addr().Addr().String(), "192.0.2.53")
}
