package differential

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"certctl/delegation"
)

// generator makes a world out of random numbers. Labels are few, so that what
// it adds gets into the way of what is there.
type generator struct {
	*rand.Rand
	world *world
	hosts []string // of servers
}

var labels = []string{"a", "b", "c", "www", "_acme-challenge"}

// generate returns the world of a seed.
func generate(seed uint64) *world {
	g := generator{rand.New(rand.NewPCG(seed, 0)), &world{faults: map[string]string{}}, nil}
	for _, apex := range []string{"x.", "y.", "z."}[:1+g.IntN(3)] {
		g.world.zones = append(g.world.zones, zone{apex: apex, servers: []string{"ns." + apex}})
	}
	for range 2 + g.IntN(7) {
		g.addHost()
	}
	for range 2 + g.IntN(7) {
		g.addZone()
	}
	for range 4 + g.IntN(16) {
		g.addRecord()
	}
	if g.oneIn(6) {
		g.addChain(9 + g.IntN(5))
	}
	for range 3 + g.IntN(6) {
		g.addName()
	}
	return g.world
}

func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func pick[E any](g *generator, of []E) E { return of[g.IntN(len(of))] }

// below returns a name up to depth labels below another.
func (g *generator) below(name string, depth int) string {
	for range g.IntN(depth + 1) {
		name = pick(g, labels) + "." + name
	}
	return name
}

// name returns a name in or around the zones.
func (g *generator) name(depth int) string { return g.below(pick(g, g.world.zones).apex, depth) }

// addHost adds a server that zones may choose, now and then with a fault.
func (g *generator) addHost() {
	host := fmt.Sprintf("ns%d.%s", len(g.hosts)+1, g.name(2))
	g.hosts = append(g.hosts, host)
	if g.oneIn(8) {
		words := make(map[string]string)
		for fault := range faults {
			words[fault] = ""
		}
		g.world.faults[host] = pick(g, sorted(words))
	}
}

// addZone adds a zone at any depth below another. Its servers are those of the
// zone above it, more than those, or others.
func (g *generator) addZone() {
	z := zone{apex: g.below(pick(g, labels)+"."+pick(g, g.world.zones).apex, 2)}
	above := g.world.closest(z.apex)
	if above.apex == z.apex {
		return
	}
	for range 1 + g.IntN(3) {
		z.servers = append(z.servers, pick(g, g.hosts))
	}
	switch g.IntN(6) {
	case 0, 1:
		z.servers = slices.Clone(above.servers)
	case 2:
		z.servers = append(z.servers, above.servers...)
		z.undelegated = g.oneIn(3)
	}
	slices.Sort(z.servers)
	z.servers = slices.Compact(z.servers)
	g.world.zones = append(g.world.zones, z)
	if !g.world.loads() {
		g.world.zones = g.world.zones[:len(g.world.zones)-1]
	}
}

// addRecord adds a record of any kind where it may be.
func (g *generator) addRecord() {
	z := &g.world.zones[g.IntN(len(g.world.zones))]
	owner := g.below(z.apex, 3)
	switch g.IntN(12) {
	case 0, 1, 2, 3:
		g.add(z, owner, "CNAME", g.target())
	case 4, 5:
		g.add(z, "*."+owner, "CNAME", g.target())
	case 6:
		g.add(z, owner, "DNAME", g.target())
	case 7:
		g.add(z, "*."+owner, "TXT", "wildcard")
	case 8:
		g.add(z, owner, "TXT", "here-before")
	case 9:
		g.add(z, owner, "A", "192.0.2.1")
	case 10: // at a cut: instead of the NS records that the child has
		g.add(z, pick(g, g.world.zones).apex, "NS", g.nameserver())
	case 11: // a child's own: instead of those that its parent has
		g.add(z, z.apex, "NS", g.nameserver())
	}
}

// target returns where an alias leads.
func (g *generator) target() string {
	switch g.IntN(8) {
	case 0:
		return "dangling.nowhere."
	case 1:
		return "_acme-challenge." + g.name(2)
	}
	return g.name(3)
}

// nameserver returns a host that may be a server.
func (g *generator) nameserver() string {
	if g.oneIn(4) {
		return "gone." + g.name(2)
	}
	return pick(g, g.hosts)
}

// addChain adds n aliases, each at home in a zone at random.
func (g *generator) addChain(n int) {
	next := g.target()
	for i := range n {
		z := &g.world.zones[g.IntN(len(g.world.zones))]
		owner := fmt.Sprintf("chain%d.%s", n-i, z.apex)
		if !g.add(z, owner, "CNAME", next) {
			return
		}
		next = owner
	}
	g.world.names = append(g.world.names, delegation.Name(next))
}

// addName adds a name to ask for: below a name, or one that has records, or
// that a wildcard covers.
func (g *generator) addName() {
	name := "_acme-challenge." + g.name(3)
	if z := pick(g, g.world.zones); len(z.records) > 0 && !g.oneIn(3) {
		owner, _, _ := strings.Cut(pick(g, z.records), " ")
		name = g.below(strings.ReplaceAll(owner, "*", pick(g, labels)), 1)
	}
	if n := delegation.Name(name); !slices.Contains(g.world.names, n) {
		g.world.names = append(g.world.names, n)
	}
}

// add adds a record unless servers would not load a zone with it.
func (g *generator) add(z *zone, owner, rrtype, data string) bool {
	z.records = append(z.records, owner+" "+rrtype+" "+data)
	if !g.world.loads() {
		z.records = z.records[:len(z.records)-1]
		return false
	}
	return true
}
