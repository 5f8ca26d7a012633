package delegation

import (
	"net/netip"
	"sync"
)

// zone is a zone as seen from above: what is known of it before its own
// servers were asked.
type zone struct {
	apex    Name
	parent  *zone    // the root has none
	servers []Server // whom to ask; without addresses where no usable glue came
	named   []Name   // the name servers that the parent names; nil when no referral was seen
	from    peer     // the server that showed the cut
	proxied bool     // servers are recursive resolvers
}

// step returns the zone cut at the zone's apex.
func (z *zone) step(names []Name) Step {
	return Step{
		Kind: Cut, Type: "NS", From: z.parent.apex, To: z.apex,
		Zone: z.parent.apex, Server: z.from.addr, ServerName: z.from.host, ServerNames: names,
	}
}

// unglued returns the servers whose addresses are not known.
func (z *zone) unglued() []Name {
	var names []Name
	for _, s := range z.servers {
		if len(s.Addrs) == 0 {
			names = append(names, s.Name)
		}
	}
	return names
}

// below returns the zone at apex that the server p of z serves as well, so
// that it answered for it where another would have referred. The other servers
// of z are asked after p: they may do the same.
func (z *zone) below(apex Name, p peer) *zone {
	servers := z.servers
	if !z.proxied {
		servers = append([]Server{{Name: p.host, Addrs: []netip.AddrPort{p.addr}}}, servers...)
	}
	return &zone{apex: apex, parent: z, servers: servers, from: p, proxied: z.proxied}
}

// cuts is the cache of zone cuts. It also sees to it that names asked for at
// the same time do not all find the same cut: of the names for which the same
// label is the next one below the closest known cut, one goes ahead. Once it
// is back, that label is known to be a cut, or to be none.
type cuts struct {
	mu      sync.Mutex
	zones   map[Name]*zone
	inside  map[Name]bool // names that lie between a zone's apex and names already looked up
	flights map[Name]chan struct{}
}

func newCuts() *cuts {
	return &cuts{zones: map[Name]*zone{}, inside: map[Name]bool{}, flights: map[Name]chan struct{}{}}
}

// closest returns the known zone that is closest above name or at it, or nil.
func (c *cuts) closest(name Name) *zone {
	for ; ; name = name.Parent() {
		if z := c.zones[name]; z != nil || name == root {
			return z
		}
	}
}

// fresh returns an empty cache for the same root.
func (c *cuts) fresh() *cuts {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := newCuts()
	if z := c.closest(root); z != nil {
		f.zones[root] = z
	}
	return f
}

// approach returns the closest known zone, from which name is to be looked for,
// and the next name on the way there. The caller must call done when it is
// back, unless somebody else is under way: then done is nil, and busy is closed
// when they are back. Nobody waits before the last step, which no other name
// shares. The zone is nil before the root is known.
func (c *cuts) approach(name Name) (z *zone, next Name, done func(), busy <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	z = c.closest(name)
	if z == nil {
		return nil, "", nil, nil
	}
	next = c.next(z, name)
	if next == name {
		return z, next, func() {}, nil
	}
	if flight := c.flights[next]; flight != nil {
		return z, next, nil, flight
	}
	flight := make(chan struct{})
	c.flights[next] = flight
	return z, next, func() { c.land(next) }, nil
}

// next returns the first name on the way from z down to name that is not known
// to be inside.
func (c *cuts) next(z *zone, name Name) Name {
	next := name
	for n := name; n.isBelow(z.apex); n = n.Parent() {
		if !c.inside[n] {
			next = n
		}
	}
	return next
}

func (c *cuts) land(next Name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.flights[next])
	delete(c.flights, next)
}

// add remembers a zone, unless it is known, and returns the one to use.
func (c *cuts) add(z *zone) *zone {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.zones[z.apex]; known != nil {
		return known
	}
	c.zones[z.apex] = z
	return z
}

// replaceRoot forgets everything and starts from another root, unless somebody
// else has done so.
func (c *cuts) replaceRoot(old, z *zone) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.zones[root] != old {
		return false
	}
	c.zones = map[Name]*zone{root: z}
	return true
}

// passed remembers the names between z's apex and name: if they had a cut, the
// server that answered for name would have said so.
func (c *cuts) passed(z *zone, name Name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := name.Parent(); n.isBelow(z.apex); n = n.Parent() {
		c.inside[n] = true
	}
}
