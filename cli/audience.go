package cli

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/issuance"
	"certctl/nameserver"
	updates "certctl/nameserver/update"
	"certctl/nameserver/witness"
)

// asked says in words who has asked for values, and what they got.
func asked(e issuance.Asked) string {
	text := audience(e.Networks)
	if e.Servers > 1 {
		text += fmt.Sprintf(", says one of the zone's %d servers", e.Servers)
	}
	return text
}

func audience(networks []issuance.Network) string {
	if len(networks) == 0 {
		return "nobody has asked for the value"
	}
	var vain []string
	for _, n := range networks {
		if !n.Served {
			vain = append(vain, n.Prefix.String())
		}
	}
	from := fmt.Sprintf("asked for from %d networks", len(networks))
	if len(networks) == 1 {
		from = "asked for from one network, " + networks[0].Prefix.String()
	}
	switch {
	case len(vain) == 0 && len(networks) == 1:
		return from + ", which got the value"
	case len(vain) == 0:
		return from + ", all got the value"
	case len(vain) == len(networks):
		return from + ", none got a value"
	}
	return from + ", all got the value but " + strings.Join(vain, ", ")
}

// tellsAudience returns what tells the keys of h who has asked for values at
// names where they may put some.
func tellsAudience(h *updates.Handler, w *witness.Witness) nameserver.Audience {
	return func(key, name delegation.Name, from netip.Addr) (records [][]string, may bool) {
		k := h.Keys[key]
		if k == nil || !k.Covers(name) || !k.MayComeFrom(from) {
			return nil, false
		}
		now := time.Now()
		for _, a := range w.Asked(name) {
			records = append(records, a.Texts(now))
		}
		return records, true
	}
}
