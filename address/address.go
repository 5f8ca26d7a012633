// Package address has IP addresses as people write them in a configuration.
package address

import (
	"errors"
	"net/netip"
	"strings"
)

// Endpoint is an IP address with a port.
type Endpoint netip.AddrPort

// UnmarshalText reads an address with or without a port; without, it is 53.
func (e *Endpoint) UnmarshalText(text []byte) error {
	word := string(text)
	if addr, err := netip.ParseAddr(strings.Trim(word, "[]")); err == nil {
		*e = Endpoint(netip.AddrPortFrom(addr, 53))
		return nil
	}
	addr, err := netip.ParseAddrPort(word)
	if err != nil {
		return errors.New("an IP address is expected, like 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353")
	}
	*e = Endpoint(addr)
	return nil
}

// MarshalText returns address and port.
func (e Endpoint) MarshalText() ([]byte, error) { return []byte(netip.AddrPort(e).String()), nil }

// Address is an IP address.
type Address netip.Addr

// UnmarshalText reads an address.
func (a *Address) UnmarshalText(text []byte) error {
	addr, err := netip.ParseAddr(string(text))
	if err != nil || addr.Zone() != "" {
		return errors.New("an IP address is expected, like 192.0.2.53 or 2001:db8::53")
	}
	*a = Address(addr)
	return nil
}

// MarshalText returns the address.
func (a Address) MarshalText() ([]byte, error) { return []byte(netip.Addr(a).String()), nil }
