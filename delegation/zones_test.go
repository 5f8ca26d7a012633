package delegation

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/lab/authority"
)

// TestZone finds the zone of each name, and the zone above, also where one
// server serves them all and refers to none.
func TestZone(t *testing.T) {
	b := newBench(func(w *authority.World) {
		w.Zone("example.com.", "alias CNAME www.example.net.", "ns1.example.com.")
		w.Zone("mid.example.com.", "", "ns1.example.com.")
		w.Zone("low.mid.example.com.", "", "ns1.example.com.", "ns2.example.com.")
	})
	for _, c := range []struct{ name, zone, parent Name }{
		{"www.low.mid.example.com.", "low.mid.example.com.", "mid.example.com."},
		{"www.mid.example.com.", "mid.example.com.", "example.com."},
		{"alias.example.com.", "example.com.", "com."},
		{"com.", "com.", "."},
		{".", ".", "."},
	} {
		z, err := b.resolver.Zone(t.Context(), c.name)
		if err != nil || z.Apex != c.zone || len(z.Servers) == 0 {
			t.Errorf("%s: got zone %+v, %v, want %s", c.name, z, err, c.zone)
		}
		above, err := b.resolver.ParentZone(t.Context(), c.zone)
		if err != nil || above.Apex != c.parent || len(above.Servers) == 0 {
			t.Errorf("above %s: got zone %+v, %v, want %s", c.zone, above, err, c.parent)
		}
	}
	if z, _ := b.resolver.Zone(t.Context(), "low.mid.example.com."); len(z.Servers) != 2 {
		t.Errorf("got servers %v, want both", z.Servers)
	}
}

// echo answers with nothing, and remembers the question.
type echo struct{ last *dns.Msg }

func (e *echo) ExchangeContext(_ context.Context, m *dns.Msg, _ string) (*dns.Msg, time.Duration, error) {
	e.last = m
	return new(dns.Msg).SetReply(m), 0, nil
}

func TestSigned(t *testing.T) {
	var e echo
	plain := &Client{UDP: &e, TCP: &e}
	for _, c := range []struct {
		client        *Client
		recursion     bool
		do, unchecked bool
	}{
		{plain, true, false, false},
		{plain.Signed(), false, true, false},
		{plain.Signed(), true, true, true},
	} {
		if _, err := c.client.Ask(t.Context(), netip.MustParseAddrPort("127.0.0.1:53"), "example.com.", dns.TypeTXT, c.recursion); err != nil {
			t.Fatal(err)
		}
		if got := e.last.IsEdns0().Do(); got != c.do {
			t.Errorf("got DO %t, want %t", got, c.do)
		}
		if got := e.last.CheckingDisabled; got != c.unchecked {
			t.Errorf("got CD %t, want %t", got, c.unchecked)
		}
	}
}
