package authority_test

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/lab/authority"
)

// Every host answers over UDP and TCP, at one port, and nothing is left behind.
func TestSockets(t *testing.T) {
	before := runtime.NumGoroutine()
	w := recursorWorld()
	w.Server("ns3.example.com.").Addresses(2)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	addrs := []netip.AddrPort{w.Recursor().Addr()}
	for _, name := range []string{"a.root.", "b.root.", "ns1.example.net.", "ns3.example.com."} {
		addrs = append(addrs, w.Server(name).Addrs()...)
	}
	if len(addrs) != 6 {
		t.Errorf("got %d addresses, want 6", len(addrs))
	}
	for _, network := range []string{"udp", "tcp"} {
		for _, addr := range addrs {
			if addr.Port() != w.Port() {
				t.Errorf("%s: got port %d, want %d", addr, addr.Port(), w.Port())
			}
			c := dns.Client{Net: network}
			if _, _, err := c.Exchange(question("www.example.net. A"), addr.String()); err != nil {
				t.Errorf("%s %s: %v", network, addr, err)
			}
		}
	}
	w.Close()
	w.Close()
	for _, addr := range addrs {
		pc, err := net.ListenPacket("udp", addr.String())
		if err != nil {
			t.Fatalf("after Close: %v", err)
		}
		pc.Close()
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("after Close: got %d goroutines, want %d", runtime.NumGoroutine(), before)
		}
	}
}

func TestSocketFaults(t *testing.T) {
	w := authority.New()
	w.Zone("example.com.", "", "ns1.example.com.")
	s := w.Server("ns1.example.com.")
	w.Run(t)
	tests := []struct {
		fault    authority.Fault
		udp, tcp bool // answered
	}{
		{authority.Fault{}, true, true},
		{authority.Fault{Dead: true}, false, false},
		{authority.Fault{NoUDP: true}, false, true},
		{authority.Fault{NoTCP: true}, true, false},
		{authority.Fault{Delay: time.Hour}, false, false},
		{authority.Fault{Delay: time.Millisecond}, true, true},
	}
	for _, test := range tests {
		s.Fault(test.fault)
		for network, want := range map[string]bool{"udp": test.udp, "tcp": test.tcp} {
			c := dns.Client{Net: network, Timeout: 5 * time.Second}
			if !want {
				c.Timeout = 50 * time.Millisecond
			}
			_, _, err := c.Exchange(question("example.com. SOA"), s.Addr().String())
			if got := err == nil; got != want {
				t.Errorf("%+v: %s: got %v, want an answer: %t", test.fault, network, err, want)
			}
		}
	}
}

func TestIPv6(t *testing.T) {
	pc, err := net.ListenPacket("udp", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 loopback address")
	}
	pc.Close()
	w := authority.New()
	w.Zone("example.com.", "", "ns1.example.com.")
	s := w.Server("ns1.example.com.").At(netip.IPv6Loopback())
	w.Run(t)
	addrs := s.Addrs()
	if len(addrs) != 2 || !addrs[0].Addr().Is4() || !addrs[1].Addr().Is6() {
		t.Fatalf("got %s, want an IPv4 and an IPv6 address", addrs)
	}
	c := dns.Client{}
	r, _, err := c.Exchange(question("ns1.example.com. AAAA"), addrs[1].String())
	if err != nil || len(r.Answer) != 1 {
		t.Errorf("got %v, %v, want the address ::1", r, err)
	}
}

func TestHiddenPrimary(t *testing.T) {
	w := authority.New()
	z := w.Zone("example.com.", "", "ns1.example.com.", "ns2.example.com.").Hide("hidden.example.com.")
	w.Server("ns1.example.com.").Lag(authority.Never)
	z.Add(`x TXT "v"`)
	for name, want := range map[string]string{"hidden.example.com.": "NOERROR", "ns1.example.com.": "NXDOMAIN", "ns2.example.com.": "NOERROR"} {
		if got := dns.RcodeToString[ask(t, w.UDP(), w.Server(name), "x.example.com. TXT").Rcode]; got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	r := ask(t, w.UDP(), w.Server("ns2.example.com."), "example.com. SOA")
	if got := r.Answer[0].(*dns.SOA).Ns; got != "hidden.example.com." {
		t.Errorf("MNAME: got %s, want hidden.example.com.", got)
	}
	if got := len(z.Records("NS")); got != 2 {
		t.Errorf("got %d NS records, want 2", got)
	}
}

func TestMissingAddress(t *testing.T) {
	w := authority.New()
	w.Zone("example.com.", "", "ns1.example.com.")
	w.Server("ns1.example.com.").At(netip.MustParseAddr("192.0.2.1"))
	err := w.Start()
	var missing *authority.AddressError
	if !errors.As(err, &missing) {
		t.Fatalf("got %v, want an AddressError", err)
	}
	// The root's server needs an address too.
	if want := "seq 1 3"; !strings.Contains(missing.Hint(), want) {
		t.Errorf("hint: got %q, want %q in it", missing.Hint(), want)
	}
}

// A port in use at another address is one that a world can have.
func TestListen(t *testing.T) {
	other, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	want := netip.MustParseAddrPort(other.Addr().String()).Port()
	w := recursorWorld().Listen(want)
	w.Run(t)
	got := w.Server("a.root.").Addr()
	if got.Port() != want || w.Port() != want {
		t.Errorf("got %s and port %d, want port %d", got, w.Port(), want)
	}
	if _, err := dns.Exchange(question(". NS"), got.String()); err != nil {
		t.Error(err)
	}
}
