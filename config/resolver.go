package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"certctl/secret"
)

// Resolver says how the DNS is asked.
type Resolver struct {
	// Servers are recursive resolvers, as address or address:port (port 53 if
	// none is given), tls://host[:853] (DNS over TLS) or https://host/path (DNS
	// over HTTPS). They are asked for the root's servers and for the addresses
	// of name servers, and for everything where authoritative servers cannot be
	// asked. Default: the system's.
	Servers []Server `yaml:"servers"`

	// TrustAnchors is a file with the DS or DNSKEY records that DNSSEC is judged
	// by, in master-file format; for a private root. Default: those of the
	// Internet's root.
	TrustAnchors secret.Path `yaml:"trust_anchors"`

	// Port is the port of authoritative servers; only a lab needs another.
	// Default: 53.
	Port Port `yaml:"port"`
}

// Addresses returns the recursive resolvers that are asked in the clear.
func (r Resolver) Addresses() []netip.AddrPort {
	var list []netip.AddrPort
	for _, s := range r.Servers {
		if s.URL == "" {
			list = append(list, s.Addr)
		}
	}
	return list
}

// URLs returns the recursive resolvers that are asked over TLS or HTTPS.
func (r Resolver) URLs() []string {
	var list []string
	for _, s := range r.Servers {
		if s.URL != "" {
			list = append(list, s.URL)
		}
	}
	return list
}

// Server is a recursive resolver: an address, or a URL.
type Server struct {
	Addr netip.AddrPort
	URL  string // "" for an address
}

// UnmarshalText reads an address with or without a port, or a URL.
func (s *Server) UnmarshalText(text []byte) error {
	word := string(text)
	if scheme, _, ok := strings.Cut(word, "://"); ok && looksLikeKey.MatchString(scheme) {
		*s = Server{URL: word}
		return checkURL(scheme, word)
	}
	if addr, err := netip.ParseAddr(strings.Trim(word, "[]")); err == nil {
		*s = Server{Addr: netip.AddrPortFrom(addr, 53)}
		return nil
	}
	addr, err := netip.ParseAddrPort(word)
	if err != nil || addr.Port() == 0 {
		return errors.New("an IP address is expected, like 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353, or a URL with tls:// or https://")
	}
	*s = Server{Addr: addr}
	return nil
}

func checkURL(scheme, word string) error {
	u, err := url.Parse(word)
	switch {
	case scheme != "tls" && scheme != "https":
		return fmt.Errorf("%s:// is not supported: write tls:// or https://, or an address with or without a port", scheme)
	case err != nil || u.Hostname() == "" || u.User != nil:
		return fmt.Errorf("a URL is expected, like %s", map[string]string{
			"tls": "tls://dns.example or tls://192.0.2.53:853", "https": "https://dns.example/dns-query",
		}[scheme])
	case scheme == "tls" && strings.Trim(u.Path, "/") != "":
		return errors.New("DNS over TLS has no path: write tls://host[:port]")
	}
	return nil
}

// MarshalText returns address and port, or the URL.
func (s Server) MarshalText() ([]byte, error) {
	if s.URL != "" {
		return []byte(s.URL), nil
	}
	return []byte(s.Addr.String()), nil
}

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
