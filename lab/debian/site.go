package debian

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"testing"
)

// Site is the name servers of one test. Its methods are called from the test's
// own goroutine.
type Site struct {
	Port uint16 // of every server of the site

	t        testing.TB
	networks [2]byte // the second and third octet of every address
	last     byte    // fourth octet of the address given out last
	served   []service
}

// service is one zone at one server.
type service struct {
	zone string
	addr netip.AddrPort
}

// New returns a site without servers. Its addresses are its own until the test
// ends, also beside other test processes.
func New(t testing.TB) *Site {
	t.Helper()
	for range 100 {
		s := &Site{t: t, networks: [2]byte{byte(1 + rand.IntN(254)), byte(rand.IntN(256))}}
		err := s.reserve(53)
		if errors.Is(err, fs.ErrPermission) {
			err = s.reserve(0)
		}
		if err == nil {
			return s
		}
	}
	t.Fatal("no network of loopback addresses is free")
	return nil
}

// reserve takes the site's network by listening at its last address.
func (s *Site) reserve(port uint16) error {
	l, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(netip.AddrPortFrom(s.host(254), port)))
	if err != nil {
		return err
	}
	s.Port = l.Addr().(*net.TCPAddr).AddrPort().Port()
	s.t.Cleanup(func() { l.Close() })
	return nil
}

func (s *Site) host(n byte) netip.Addr {
	return netip.AddrFrom4([4]byte{127, s.networks[0], s.networks[1], n})
}

// Addr returns an address for a server; each call returns another one.
func (s *Site) Addr() netip.AddrPort {
	s.t.Helper()
	if s.last++; s.last == 254 {
		s.t.Fatal("the site has no more addresses")
	}
	return netip.AddrPortFrom(s.host(s.last), s.Port)
}

// Delegation is a zone and the addresses of its name servers, which are called
// ns1, ns2 and so on in the zone itself.
type Delegation struct {
	Zone    string // absolute
	Servers []netip.AddrPort
}

// String returns the NS records and addresses in master-file format, as they
// are needed in the parent zone and at the zone's apex.
func (d Delegation) String() string {
	var text string
	for i, server := range d.Servers {
		name := fmt.Sprintf("ns%d.%s", i+1, d.Zone)
		if d.Zone == "." {
			name = fmt.Sprintf("ns%d.", i+1)
		}
		text += fmt.Sprintf("%s 60 IN NS %s\n%s 60 IN A %s\n", d.Zone, name, name, server.Addr())
	}
	return text
}

const rootSOA = ". 60 IN SOA ns1. hostmaster. 1 86400 86400 864000 1\n"

// Root starts NSD with a root zone that delegates these zones.
func (s *Site) Root(children ...Delegation) *Host {
	s.t.Helper()
	addr := s.Addr()
	text := rootSOA + Delegation{Zone: ".", Servers: []netip.AddrPort{addr}}.String()
	for _, d := range children {
		text += d.String()
	}
	return s.NSD(Server{Addr: addr, Zones: []Zone{{Name: ".", Text: text}}})
}

// servers returns the addresses that serve a zone.
func (s *Site) servers(zone string) []netip.AddrPort {
	var addrs []netip.AddrPort
	for _, v := range s.served {
		if v.zone == zone {
			addrs = append(addrs, v.addr)
		}
	}
	return addrs
}

// zones returns the name of every zone of the site, once.
func (s *Site) zones() []string {
	var names []string
	for _, v := range s.served {
		if !slices.Contains(names, v.zone) {
			names = append(names, v.zone)
		}
	}
	return names
}
