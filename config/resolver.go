package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Resolver says how the DNS is asked.
type Resolver struct {
	// Servers are the addresses of recursive resolvers, as address or
	// address:port (port 53 if none is given). They are asked for the root's
	// servers and for the addresses of name servers. Default: the system's.
	Servers []Server `yaml:"servers"`

	// Port is the port of authoritative servers; only a lab needs another.
	// Default: 53.
	Port Port `yaml:"port"`
}

// Addresses returns the recursive resolvers.
func (r Resolver) Addresses() []netip.AddrPort {
	var list []netip.AddrPort
	for _, s := range r.Servers {
		list = append(list, netip.AddrPort(s))
	}
	return list
}

// Server is the address of a DNS server.
type Server netip.AddrPort

// UnmarshalText reads an address with or without a port.
func (s *Server) UnmarshalText(text []byte) error {
	word := string(text)
	if scheme, _, ok := strings.Cut(word, "://"); ok && looksLikeKey.MatchString(scheme) {
		return fmt.Errorf("%s:// is not supported yet: write an address, with or without a port", scheme)
	}
	if addr, err := netip.ParseAddr(strings.Trim(word, "[]")); err == nil {
		*s = Server(netip.AddrPortFrom(addr, 53))
		return nil
	}
	addr, err := netip.ParseAddrPort(word)
	if err != nil || addr.Port() == 0 {
		return errors.New("an IP address is expected, like 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353")
	}
	*s = Server(addr)
	return nil
}

// MarshalText returns address and port.
func (s Server) MarshalText() ([]byte, error) { return []byte(netip.AddrPort(s).String()), nil }

// Port is a TCP or UDP port.
type Port uint16

// UnmarshalYAML reads a port.
func (p *Port) UnmarshalYAML(unmarshal func(any) error) error {
	var n int
	if unmarshal(&n) != nil || n < 1 || n > 65535 {
		return errors.New("a port is a number from 1 to 65535")
	}
	*p = Port(n)
	return nil
}
