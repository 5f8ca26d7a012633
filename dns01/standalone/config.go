package standalone

import (
	"fmt"
	"net/netip"
	"strings"

	"certctl/address"
	"certctl/delegation"
	"certctl/dns01"
	"certctl/nameserver"
)

// Config is an entry of zones: with provider: standalone.
type Config struct {
	// Name is the name of this host in the NS record that delegates the zone to
	// it.
	Name string `yaml:"name" required:"true"`

	// Listen are this host's addresses at which it is asked, as address or
	// address:port (port 53 if none is given).
	Listen []address.Endpoint `yaml:"listen" required:"true"`

	// Addresses are those that the zone has for the name, where the name is in
	// the zone. Default: those of listen.
	Addresses []address.Address `yaml:"addresses,omitempty"`
}

// New returns a provider for the zone that a scope is.
func (p *Pool) New(c Config, scope delegation.Name, _ dns01.Environment) (dns01.Provider, error) {
	name, err := delegation.ParseName(c.Name)
	if err != nil {
		return nil, fmt.Errorf("name: %w", err)
	}
	z := nameserver.Zone{Name: scope, Servers: []nameserver.Host{{Name: name, Addrs: c.addresses()}}}
	p.add(z, c.Listen)
	return &provider{pool: p, zone: scope, label: "standalone at " + c.listen()}, nil
}

func (c Config) addresses() []netip.Addr {
	var all []netip.Addr
	for _, a := range c.Addresses {
		all = append(all, netip.Addr(a))
	}
	if all != nil {
		return all
	}
	for _, e := range c.Listen {
		if a := netip.AddrPort(e).Addr(); !a.IsUnspecified() {
			all = append(all, a)
		}
	}
	return all
}

func (c Config) listen() string {
	var words []string
	for _, e := range c.Listen {
		words = append(words, netip.AddrPort(e).String())
	}
	return strings.Join(words, ", ")
}
