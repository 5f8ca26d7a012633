package acme

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// wireIdentifier is a name as it is in an order (RFC 8555 §9.7.7), or an IP
// address (RFC 8738 §3).
type wireIdentifier struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

func identifierOf(name string) wireIdentifier {
	if IsAddress(name) {
		return wireIdentifier{Type: "ip", Value: name}
	}
	return wireIdentifier{Type: "dns", Value: name}
}

// name returns the identifier as ParseNames would.
func (w wireIdentifier) name() (string, error) {
	addr, err := netip.ParseAddr(w.Value)
	switch {
	case w.Type == "dns" && err != nil:
		return strings.ToLower(w.Value), nil
	case w.Type == "ip" && err == nil:
		return addr.Unmap().String(), nil
	}
	return "", fmt.Errorf("identifier %q is of type %q", w.Value, w.Type)
}

// IsAddress reports whether one of the names that ParseNames returns is an IP
// address.
func IsAddress(name string) bool {
	_, err := netip.ParseAddr(name)
	return err == nil
}

// Names returns the names of a certificate request as ParseNames would: its DNS
// names, and its IP addresses in the form of RFC 5952 or as four numbers.
func Names(domains []string, addresses []net.IP) []string {
	names := append([]string(nil), domains...)
	for _, ip := range addresses {
		addr, _ := netip.AddrFromSlice(ip) // x509 reads 4 or 16 bytes only
		names = append(names, addr.Unmap().String())
	}
	return names
}

// NamesIn returns the names of a certificate as ParseNames would.
func NamesIn(c *x509.Certificate) []string { return Names(c.DNSNames, c.IPAddresses) }
