package delegate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"certctl/delegation"
)

// Host is a name server to delegate to.
type Host struct {
	Name  delegation.Name
	Addrs []netip.Addr    // as given; none: they are to be looked up
	Zone  delegation.Name // that it is in; "" until Survey knows

	servers []delegation.Server // of that zone
}

// ParseHosts reads words such as ns1.example.net and ns1.example.net=192.0.2.1.
// A host that is mentioned again gets one address more.
func ParseHosts(words []string) ([]Host, error) {
	var hosts []Host
	for _, word := range words {
		text, address, given := strings.Cut(word, "=")
		if _, err := netip.ParseAddr(text); err == nil {
			return nil, fmt.Errorf("%s is an address: NS records name hosts, as in ns1.example.net=%s", text, text)
		}
		name, err := ParseName(text)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(hosts, func(h Host) bool { return h.Name == name })
		if i < 0 {
			i = len(hosts)
			hosts = append(hosts, Host{Name: name})
		}
		if !given {
			continue
		}
		addr, err := netip.ParseAddr(address)
		if err != nil || addr.Zone() != "" {
			return nil, fmt.Errorf("%s: %q is not an IP address", text, address)
		}
		if addr = addr.Unmap(); !slices.Contains(hosts[i].Addrs, addr) {
			hosts[i].Addrs = append(hosts[i].Addrs, addr)
		}
	}
	return hosts, nil
}

// ParseName reads the name of a zone or host. Only letters, digits, hyphens and
// underscores get through: the name goes into files and commands of many kinds.
func ParseName(text string) (delegation.Name, error) {
	name, err := delegation.ParseName(text)
	if err != nil {
		return "", err
	}
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	}
	if name == "." || strings.ContainsFunc(string(name), odd) {
		return "", fmt.Errorf("%q is not the name of a zone or a host", text)
	}
	return name, nil
}
