package differential

import (
	"slices"
	"strings"
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
}

// has reports whether a server has a fault.
func (w *world) has(fault string) bool {
	return slices.ContainsFunc(sorted(w.faults), func(s string) bool { return w.faults[s] == fault })
}

// isMeant reports whether we mean to disagree.
func isMeant(w *world, d disagreement) bool {
	return slices.ContainsFunc(differences, func(known difference) bool { return known.applies(w, d) })
}
