package debian_test

import (
	"strings"
	"testing"

	"certctl/delegation"
	"certctl/trace"
)

// TestTrace traces names of the world at servers of every brand: what they say
// is in order, and the pictures agree with what is resolved.
func TestTrace(t *testing.T) {
	t.Parallel()
	domains := strings.Fields(`www ent sub a.b.sub three.two.one same cut alias dangling chain
		www.tree into inside apex www.sub x.wild eleven`)
	for i, b := range brands {
		others := brands[(i+1)%len(brands)]
		t.Run(b.name+" and "+others.name, func(t *testing.T) {
			w := newWorld(t, b, others)
			var queries []trace.Query
			for _, domain := range domains {
				challenge, err := delegation.ChallengeName(domain + ".example.com")
				if err != nil {
					t.Fatal(err)
				}
				queries = append(queries, trace.Query{Name: domain, Challenge: challenge})
			}
			for _, way := range trace.All(t.Context(), w.resolver, queries) {
				if way.Right() {
					continue
				}
				var picture strings.Builder
				if err := trace.Tree(&picture, []*trace.Way{way}, trace.Drawing{}); err != nil {
					t.Fatal(err)
				}
				t.Errorf("%v\n%s", way.Problem(), &picture)
			}
		})
	}
}
