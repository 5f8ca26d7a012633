package witness_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/nameserver"
	"certctl/nameserver/witness"
)

const owner delegation.Name = "web.auth.example.net."

func query(from string, n int) nameserver.Query {
	return nameserver.Query{
		Time: time.Now(), From: netip.AddrPortFrom(netip.MustParseAddr(from), 5353),
		Zone: "auth.example.net.", Name: owner, Type: dns.TypeTXT, Values: n,
	}
}

// Another value at a name begins a new count.
func TestRenew(t *testing.T) {
	var w witness.Witness
	w.Observe(query("192.0.2.1", 0))
	w.Observe(query("192.0.2.200", 1))
	got := w.Asked(owner)
	if len(got) != 1 || !got[0].Served() {
		t.Fatalf("got %v, want one network that got a value", got)
	}
	want := []string{"network=192.0.2.0/24", "queries=2", "empty=1", "ago=1500"}
	if texts := got[0].Texts(got[0].Last.Add(1500 * time.Millisecond)); !slices.Equal(texts, want) {
		t.Errorf("got %q, want %q", texts, want)
	}
	w.Renew(owner)
	if got := w.Asked(owner); len(got) > 0 {
		t.Errorf("after another value: got %v, want nobody", got)
	}
}

// Each network is logged once that got a value.
func TestLog(t *testing.T) {
	var log bytes.Buffer
	w := witness.Witness{Log: slog.New(slog.NewTextHandler(&log, nil))}
	for _, q := range []nameserver.Query{query("192.0.2.1", 0), query("192.0.2.1", 1), query("192.0.2.2", 1), query("198.51.100.1", 1)} {
		w.Observe(q)
	}
	other := query("192.0.2.1", 0)
	other.Type = dns.TypeA
	w.Observe(other)
	if got := strings.Count(log.String(), "value asked for"); got != 2 || !strings.Contains(log.String(), "name=web.auth.example.net from=192.0.2.1 network=192.0.2.0/24 values=1") {
		t.Errorf("got %s", &log)
	}
	if got := w.Asked(owner)[0]; got.Queries != 3 || got.Empty != 1 {
		t.Errorf("got %+v, want 3 queries, one in vain", got)
	}
}

// Whoever asks for anything from anywhere does not take up all memory.
func TestBounded(t *testing.T) {
	var w witness.Witness
	for n := range 12_000 {
		q := query("192.0.2.1", 0)
		q.Name = delegation.Name(fmt.Sprintf("n%d.auth.example.net.", n))
		w.Observe(q)
	}
	for n := range 300 { // networks
		q := query("192.0.2.1", 0)
		q.From = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), 1}), 53)
		q.Name = "n0.auth.example.net."
		w.Observe(q)
	}
	if got := len(w.Asked("n0.auth.example.net.")); got != 200 {
		t.Errorf("got %d networks, want 200", got)
	}
	if got := w.Asked("n11999.auth.example.net."); got != nil {
		t.Errorf("got %v of a name without a value, want no room for it", got)
	}
	w.Observe(query("192.0.2.1", 1))
	if got := w.Asked(owner); len(got) != 1 {
		t.Errorf("got %v of a name with a value, want room for it", got)
	}
}

// TestAskersAreBounded has many networks ask for many names: what is remembered
// of them does not grow for ever, and the last one who got a value is known.
func TestAskersAreBounded(t *testing.T) {
	var w witness.Witness
	names := func(n int) delegation.Name { return delegation.Name(fmt.Sprintf("n%d.auth.example.net.", n)) }
	ask := func(name delegation.Name, network, values int) {
		q := query(fmt.Sprintf("10.%d.%d.1", network/256, network%256), values)
		q.Name = name
		w.Observe(q)
	}
	for n := range 600 {
		for network := range 200 {
			ask(names(n), network, n%2)
		}
	}
	all := 0
	for n := range 600 {
		all += len(w.Asked(names(n)))
	}
	if all > 100_000 {
		t.Errorf("got %d networks, want 100000 at most", all)
	}
	ask("last.auth.example.net.", 1, 1)
	if got := w.Asked("last.auth.example.net."); len(got) != 1 || !got[0].Served() {
		t.Errorf("got %v of the last one", got)
	}
	for n := range 600 {
		w.Renew(names(n))
	}
	ask("first.auth.example.net.", 1, 0)
	if got := w.Asked("first.auth.example.net."); len(got) != 1 {
		t.Errorf("got %v where there is room again", got)
	}
}
