package delegation

import (
	"fmt"
	"net/netip"
	"sync"
	"syscall"
	"testing"

	"certctl/lab/authority"
)

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
