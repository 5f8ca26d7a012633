package differential

import (
	"slices"
	"strings"

	"certctl/delegation"
)

// difference is one that we mean to have: the resolver is right not to do as
// the referee does.
type difference struct {
	reason  string
	applies func(*world, disagreement) bool
}

var differences = []difference{
	{
		"an answer without AA is taken by Unbound, but not by every resolver: a zone of which no server has authority is said to be lame",
		func(w *world, d disagreement) bool {
			return d.kind == found && w.has("noaa") && strings.Contains(d.text, "no authority, no referral")
		},
	},
	{
		"a server of a zone above answers for one whose own delegation is broken, and others follow the delegation: found or not, " +
			"that depends on who is asked and on which zones are known already",
		func(w *world, d disagreement) bool {
			failed := d.kind == found && strings.Contains(d.text, "no server of zone") ||
				d.kind == unseen && strings.Contains(d.text, "referee: SERVFAIL")
			return failed && w.isBroken() && (w.isShortcut() || w.isSplit())
		},
	},
	{
		"where a server does not keep the case of a question, Unbound asks all servers of the zone in lower case, and gives up " +
			"unless all say the same: those that serve a zone below as well do not say what the others do. The place is right all the same",
		func(w *world, d disagreement) bool {
			return d.kind == unseen && w.has("lowercase") && w.isSplit() && strings.Contains(d.text, "referee: SERVFAIL")
		},
	},
}

// has reports whether a server has a fault.
func (w *world) has(fault string) bool {
	return slices.ContainsFunc(sorted(w.faults), func(s string) bool { return w.faults[s] == fault })
}

// isBroken reports whether a server has a fault, or a zone is delegated to
// others than those that serve it.
func (w *world) isBroken() bool {
	return len(w.faults) > 0 || slices.ContainsFunc(w.zones, func(z zone) bool {
		return slices.ContainsFunc(z.records, func(r string) bool { return strings.Contains(r, " NS ") })
	})
}

// isSplit reports whether some servers of a zone, but not all, serve one below
// it.
func (w *world) isSplit() bool {
	for _, above := range w.zones {
		for _, z := range w.zones {
			if z.isBelow(above) && z.sharesServer(above) && !within(above.servers, z.servers) {
				return true
			}
		}
	}
	return false
}

// isShortcut reports whether a server has a zone and one further above it, but
// not all that are between.
func (w *world) isShortcut() bool {
	for _, z := range w.zones {
		for _, far := range w.zones {
			for _, between := range w.zones {
				if z.isBelow(between) && between.isBelow(far) && slices.ContainsFunc(z.servers, func(s string) bool {
					return slices.Contains(far.servers, s) && !slices.Contains(between.servers, s)
				}) {
					return true
				}
			}
		}
	}
	return false
}

func (z zone) isBelow(above zone) bool {
	return z.apex != above.apex && delegation.Name(z.apex).IsAtOrBelow(delegation.Name(above.apex))
}

func (z zone) sharesServer(other zone) bool {
	return slices.ContainsFunc(other.servers, func(s string) bool { return slices.Contains(z.servers, s) })
}

// isMeant reports whether we mean to disagree.
func isMeant(w *world, d disagreement) bool {
	return slices.ContainsFunc(differences, func(known difference) bool { return known.applies(w, d) })
}
