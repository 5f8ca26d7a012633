package cli

import (
	"net/netip"
	"testing"

	"certctl/issuance"
)

func TestAsked(t *testing.T) {
	network := func(prefix string, served bool) issuance.Network {
		return issuance.Network{Prefix: netip.MustParsePrefix(prefix), Queries: 1, Served: served}
	}
	for _, c := range []struct {
		servers  int
		networks []issuance.Network
		want     string
	}{
		{1, nil, "nobody has asked for the value"},
		{1, []issuance.Network{network("192.0.2.0/24", true)}, "asked for from one network, 192.0.2.0/24, which got the value"},
		{2, []issuance.Network{network("192.0.2.0/24", true), network("2001:db8::/48", true)}, "asked for from 2 networks, all got the value, says one of the zone's 2 servers"},
		{1, []issuance.Network{network("192.0.2.0/24", true), network("2001:db8::/48", false)}, "asked for from 2 networks, all got the value but 2001:db8::/48"},
		{1, []issuance.Network{network("192.0.2.0/24", false), network("203.0.113.0/24", false)}, "asked for from 2 networks, none got a value"},
	} {
		if got := asked(issuance.Asked{Servers: c.servers, Networks: c.networks}); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}
