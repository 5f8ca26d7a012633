package nameserver

import (
	"context"
	"net/netip"
	"sync"
	"testing"

	"certctl/nameserver/values"
)

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

// world is the configuration that most tests use.
func world() Config {
	servers := []Host{
		{Name: "ns1.auth.example.net.", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}},
		{Name: "ns2.example.org.", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.2")}},
	}
	return Config{
		Listen: []netip.AddrPort{loopback},
		Zones: []Zone{
			{Name: "auth.example.net.", Servers: servers, Records: []string{`@ CAA 0 issue "ca.example"`, "a.b A 192.0.2.3"}},
			{Name: "example.com.", Family: true, Servers: servers},
			{Name: "_acme-challenge.www.example.org.", Servers: servers},
		},
		NSID:   "one",
		Values: values.Memory(),
	}
}

func newServer(t testing.TB, c Config) *Server {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve runs a server until the test is over and returns its address.
func serve(t testing.TB, s *Server) netip.AddrPort {
	t.Helper()
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	addr := s.Addrs()[0]
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Serve(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return addr
}

// TestRecordsRefused has records in the configuration that cannot be served.
func TestRecordsRefused(t *testing.T) {
	for record, want := range map[string]string{
		"www NS ns.example.org.":       `zone auth.example.net: record "www NS ns.example.org.": the type is none of A, AAAA, CAA, HTTPS, MX, SRV, SVCB, TLSA, TXT`,
		"www A":                        `zone auth.example.net: record "www A": it cannot be read`,
		"www.example.net. A 192.0.2.1": `zone auth.example.net: record "www.example.net. A 192.0.2.1": it is not in the zone`,
		"* TXT x":                      `zone auth.example.net: record "* TXT x": there are no wildcards here`,
	} {
		c := world()
		c.Zones[0].Records = []string{record}
		if _, err := New(c); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
