package differential

import (
	"maps"
	"slices"
	"time"

	"certctl/delegation"
)

// maxShrink bounds the search for a smaller world.
const maxShrink = time.Minute

// shrink returns the smallest world found in which a disagreement is still
// there: as long as something can be left out, and there is time, it is.
func shrink(w *world, d disagreement, judge func(*world) []disagreement) *world {
	still := func(w *world) bool {
		return w.loads() && d.isAmong(judge(w))
	}
	enough := time.Now().Add(maxShrink)
	for before := ""; before != w.String(); {
		before = w.String()
		for i := 0; i < len(w.smaller(d.name)) && time.Now().Before(enough); {
			if smaller := w.smaller(d.name)[i]; still(smaller) {
				w = smaller
			} else {
				i++
			}
		}
	}
	return w
}

// smaller returns worlds that lack one thing, the larger things first.
func (w *world) smaller(name delegation.Name) []*world {
	var worlds []*world
	add := func(change func(*world)) {
		c := w.clone()
		if change(c); c.String() != w.String() {
			worlds = append(worlds, c)
		}
	}
	if len(w.names) > 1 {
		add(func(c *world) { c.names = []delegation.Name{name} })
	}
	for i, n := range w.names {
		if n != name {
			add(func(c *world) { c.names = slices.Delete(c.names, i, i+1) })
		}
	}
	for i := range w.zones {
		add(func(c *world) { c.zones = slices.Delete(c.zones, i, i+1) })
	}
	for _, server := range sorted(w.faults) {
		add(func(c *world) { delete(c.faults, server) })
	}
	for _, server := range w.servers() {
		add(func(c *world) { c.withoutServer(server) })
	}
	for i, z := range w.zones {
		for j := range z.records {
			add(func(c *world) { c.zones[i].records = slices.Delete(c.zones[i].records, j, j+1) })
		}
		if z.undelegated {
			add(func(c *world) { c.zones[i].undelegated = false })
		}
	}
	return worlds
}

func (w *world) clone() *world {
	c := &world{faults: maps.Clone(w.faults), zones: slices.Clone(w.zones), names: slices.Clone(w.names)}
	for i := range c.zones {
		c.zones[i].servers = slices.Clone(c.zones[i].servers)
		c.zones[i].records = slices.Clone(c.zones[i].records)
	}
	return c
}

// servers returns the servers of all zones, each once.
func (w *world) servers() []string {
	var all []string
	for _, z := range w.zones {
		all = append(all, z.servers...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// withoutServer takes a server out of all zones that have another.
func (w *world) withoutServer(server string) {
	for i := range w.zones {
		z := &w.zones[i]
		if len(z.servers) > 1 {
			z.servers = slices.DeleteFunc(z.servers, func(s string) bool { return s == server })
		}
	}
}
