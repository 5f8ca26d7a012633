package values

import (
	"slices"
	"time"

	"certctl/delegation"
)

// zone is what there is in one zone.
type zone struct {
	serial  uint32
	owners  map[delegation.Name][]Value
	below   map[delegation.Name]int // of each name, how many owners are below it
	count   int                     // of values
	frame   *Frame                  // never changed, but replaced; nil: not known
	lapses  time.Time               // see Store.SetLapse; zero: not known
	history []Step
}

func newZone(serial uint32) *zone {
	return &zone{serial: serial, owners: map[delegation.Name][]Value{}, below: map[delegation.Name]int{}}
}

// find returns the value that is the same as v.
func (z *zone) find(v Value) (Value, bool) {
	list := z.owners[v.Owner]
	if n := slices.IndexFunc(list, v.is); n >= 0 {
		return list[n], true
	}
	return Value{}, false
}

// add puts a value that is not there. Lists are replaced and never changed,
// because readers have them.
func (z *zone) add(v Value) {
	list := z.owners[v.Owner]
	if len(list) == 0 {
		z.lineage(v.Owner, 1)
	}
	z.owners[v.Owner] = append(slices.Clip(list), v)
	z.count++
}

// remove takes away a value that is there.
func (z *zone) remove(v Value) {
	rest := slices.DeleteFunc(slices.Clone(z.owners[v.Owner]), v.is)
	z.count--
	if len(rest) > 0 {
		z.owners[v.Owner] = rest
		return
	}
	delete(z.owners, v.Owner)
	z.lineage(v.Owner, -1)
}

// lineage counts an owner at all names above it.
func (z *zone) lineage(owner delegation.Name, by int) {
	for name := owner.Parent(); name != "."; name = name.Parent() {
		if z.below[name] += by; z.below[name] == 0 {
			delete(z.below, name)
		}
	}
}

// apply makes a change that fits what is there.
func (z *zone) apply(r record) {
	for _, v := range r.Removed {
		z.remove(v)
	}
	for _, v := range r.Added {
		z.add(v)
	}
	z.serial = r.Serial
	if r.Frame != nil {
		z.frame = r.Frame
	}
	if !r.Lapses.IsZero() {
		z.lapses = r.Lapses
	}
}

// all returns the zone's values, sorted by owner.
func (z *zone) all() []Value {
	names := make([]delegation.Name, 0, len(z.owners))
	for name := range z.owners {
		names = append(names, name)
	}
	slices.Sort(names)
	list := make([]Value, 0, z.count)
	for _, name := range names {
		list = append(list, z.owners[name]...)
	}
	return list
}

// expired returns the values whose time is over.
func (z *zone) expired(now time.Time) []Value {
	var list []Value
	for _, owner := range z.owners {
		for _, v := range owner {
			if !v.Expires.IsZero() && !v.Expires.After(now) {
				list = append(list, v)
			}
		}
	}
	return list
}

// maxSteps is how many changes of a zone are kept: a secondary that is further
// behind gets the whole zone.
const maxSteps = 1000

// remember keeps a change.
func (z *zone) remember(s Step) {
	if len(z.history) == maxSteps {
		z.history = slices.Clone(z.history[maxSteps/10:])
	}
	z.history = append(z.history, s)
}

// since returns the changes after a serial, or false where they are not known.
func (z *zone) since(serial uint32) ([]Step, bool) {
	if serial == z.serial {
		return nil, true
	}
	n := slices.IndexFunc(z.history, func(s Step) bool { return s.From == serial })
	if n < 0 {
		return nil, false
	}
	return slices.Clone(z.history[n:]), true
}

// changes undoes steps, the last first, for the owners that they touch.
func (z *zone) changes(steps []Step) Changes {
	c := Changes{Now: z.serial, Before: map[delegation.Name][]Value{}, After: map[delegation.Name][]Value{}}
	for _, s := range slices.Backward(steps) {
		c.Framed = c.Framed || s.Framed
		for _, v := range slices.Concat(s.Added, s.Removed) {
			if _, seen := c.After[v.Owner]; !seen {
				c.After[v.Owner], c.Before[v.Owner] = z.owners[v.Owner], z.owners[v.Owner]
			}
		}
		for _, v := range s.Added {
			c.Before[v.Owner] = slices.DeleteFunc(slices.Clone(c.Before[v.Owner]), v.is)
		}
		for _, v := range s.Removed {
			c.Before[v.Owner] = append(slices.Clip(c.Before[v.Owner]), v)
		}
	}
	return c
}
