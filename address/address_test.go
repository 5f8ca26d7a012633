package address_test

import (
	"net/netip"
	"strings"
	"testing"

	"certctl/address"
)

func TestEndpoint(t *testing.T) {
	var e address.Endpoint
	for text, want := range map[string]string{"192.0.2.1": "192.0.2.1:53", "[2001:db8::1]:5353": "[2001:db8::1]:5353", "2001:db8::1": "[2001:db8::1]:53"} {
		if err := e.UnmarshalText([]byte(text)); err != nil || netip.AddrPort(e).String() != want {
			t.Errorf("%s: got %v, %v, want %s", text, netip.AddrPort(e), err, want)
		}
	}
	if err := e.UnmarshalText([]byte("eth0")); err == nil || strings.Contains(err.Error(), "eth0") {
		t.Errorf("eth0: got %v", err)
	}
}

func TestAddress(t *testing.T) {
	var a address.Address
	for _, text := range []string{"192.0.2.1", "2001:db8::1"} {
		if err := a.UnmarshalText([]byte(text)); err != nil || netip.Addr(a).String() != text {
			t.Errorf("%s: got %v, %v", text, netip.Addr(a), err)
		}
	}
	for _, text := range []string{"fe80::1%eth0", "192.0.2.1:53", "example.com", ""} {
		if err := a.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: got no error", text)
		}
	}
}
