package differential

import (
	"slices"
	"strings"

	"certctl/delegation"
)

// loads reports whether all servers would load all zones, and say nothing that
// contradicts others.
func (w *world) loads() bool {
	for _, z := range w.zones {
		for i, r := range z.records {
			if !w.fits(z, i, strings.Fields(r)) {
				return false
			}
		}
		if above := w.above(z); z.undelegated && (above == nil || !within(above.servers, z.servers)) {
			return false
		}
	}
	return true
}

// above returns the zone that has the cut to z, nil if that is the root.
func (w *world) above(z zone) *zone { return w.closest(string(delegation.Name(z.apex).Parent())) }

// within reports whether all of some servers are among others.
func within(some, others []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(others, s) })
}

// fits reports whether record i of a zone may be beside what there is.
func (w *world) fits(z zone, i int, record []string) bool {
	owner, rrtype := record[0], record[1]
	cut := w.isApex(owner)
	switch rrtype {
	case "CNAME":
		return !cut && !w.isHost(owner) && !slices.ContainsFunc(z.records, func(r string) bool {
			return strings.HasPrefix(r, owner+" ") && r != z.records[i]
		}) && !slices.Contains(z.records[:i], z.records[i])
	case "DNAME":
		return (!cut || owner == z.apex) && !w.isCutBelow(owner) && !slices.ContainsFunc(z.records[:i], func(r string) bool {
			return strings.HasPrefix(r, owner+" DNAME")
		})
	case "NS":
		above := w.closest(string(delegation.Name(owner).Parent()))
		return owner == z.apex || cut && above != nil && above.apex == z.apex
	}
	return true
}

func (w *world) isApex(name string) bool {
	return slices.ContainsFunc(w.zones, func(z zone) bool { return z.apex == name })
}

// isHost reports whether a server has the name, so that its addresses are
// there.
func (w *world) isHost(name string) bool {
	return slices.ContainsFunc(w.zones, func(z zone) bool { return slices.Contains(z.servers, name) })
}

// isCutBelow reports whether there is a zone below a name: a DNAME there would
// hide it from some servers.
func (w *world) isCutBelow(name string) bool {
	return slices.ContainsFunc(w.zones, func(z zone) bool {
		return z.apex != name && delegation.Name(z.apex).IsAtOrBelow(delegation.Name(name))
	})
}
