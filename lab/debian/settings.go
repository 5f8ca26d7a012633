package debian

import (
	"fmt"
	"net/netip"
)

// settings is a Server as the templates of the configuration files read it.
type settings struct {
	Dir   string
	Addr  netip.AddrPort
	Keys  []Key
	Zones []zoneSettings

	APIKey  string
	APIPort int
}

type zoneSettings struct {
	Zone
	File    string
	Remotes []remote // the primary, or the secondaries
	Updates []update
}

type remote struct {
	ID   string
	Addr netip.AddrPort
	Key  string // its name; "": none
}

type update struct {
	ID string
	Grant
}

func (h *Host) settings(v Server) settings {
	c := settings{Dir: h.dir, Addr: v.Addr, Keys: v.keys(), APIKey: v.APIKey, APIPort: apiPort}
	for i, z := range v.Zones {
		c.Zones = append(c.Zones, z.settings(i))
	}
	return c
}

func (z Zone) settings(i int) zoneSettings {
	c := zoneSettings{Zone: z, File: fmt.Sprintf("zone%d.txt", i)}
	addrs := z.Secondaries
	if z.Primary.IsValid() {
		addrs = []netip.AddrPort{z.Primary}
	}
	for j, addr := range addrs {
		c.Remotes = append(c.Remotes, remote{fmt.Sprintf("remote%d-%d", i, j), addr, z.PrimaryKey.Name})
	}
	for j, g := range z.Grants {
		c.Updates = append(c.Updates, update{fmt.Sprintf("update%d-%d", i, j), g})
	}
	return c
}
