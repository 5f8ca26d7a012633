package nameserver

import (
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/nameserver/values"
)

// chain is the names of a zone that have records, in canonical order.
type chain []place

// place is a name and where it belongs.
type place struct {
	order string
	name  delegation.Name
}

// order returns a text that compares as a name does in canonical order (RFC 4034
// §6.1), label by label from the right. Each label ends in an octet 0; what has
// the same meaning in a label is spelled otherwise.
func order(name delegation.Name) string {
	wire := make([]byte, 256)
	end, err := dns.PackDomainName(string(name), wire, 0, nil, false)
	if err != nil {
		return ""
	}
	var starts []int
	for at := 0; at < end && wire[at] != 0; at += 1 + int(wire[at]) {
		starts = append(starts, at)
	}
	buf := make([]byte, 0, end)
	for _, at := range slices.Backward(starts) {
		for _, c := range wire[at+1 : at+1+int(wire[at])] {
			if c <= 1 {
				buf = append(buf, 1, c+1)
				continue
			}
			buf = append(buf, c)
		}
		buf = append(buf, 0)
	}
	return string(buf)
}

// newChain makes the chain of some names.
func newChain(names []delegation.Name) chain {
	c := make(chain, 0, len(names))
	for _, name := range names {
		c = append(c, place{order(name), name})
	}
	slices.SortFunc(c, func(a, b place) int { return strings.Compare(a.order, b.order) })
	return slices.Compact(c)
}

func (c chain) search(at string) (int, bool) {
	return slices.BinarySearchFunc(c, at, func(p place, at string) int { return strings.Compare(p.order, at) })
}

// with returns the chain with or without a name. It changes c.
func (c chain) with(name delegation.Name, there bool) chain {
	at := order(name)
	n, found := c.search(at)
	switch {
	case there && !found:
		return slices.Insert(c, n, place{at, name})
	case !there && found:
		return slices.Delete(c, n, n+1)
	}
	return c
}

// link is one name of a chain and the next one.
type link struct {
	owner, next delegation.Name
	exact       bool // owner is the name that was looked for
}

// around returns the link of a name, or the one in which it would be. The chain
// has the zone's apex, before which there is nothing.
func (c chain) around(name delegation.Name) link {
	n, found := c.search(order(name))
	if !found && n > 0 {
		n--
	}
	l := c.link(n)
	l.exact = found
	return l
}

// link returns the n-th link.
func (c chain) link(n int) link { return link{c[n].name, c[(n+1)%len(c)].name, true} }

// encloser returns the longest name above another one that exists, which has
// to be above one of the two names next to it (RFC 4592 §3.3.1).
func (l link) encloser(name delegation.Name) delegation.Name {
	for name = name.Parent(); !l.owner.IsAtOrBelow(name) && !l.next.IsAtOrBelow(name); {
		name = name.Parent()
	}
	return name
}

// chains are those of one entry of the configuration, which may be a family.
type chains struct {
	mu sync.Mutex
	of map[delegation.Name]*current
}

// current is a chain as it was at a serial.
type current struct {
	chain
	serial uint32
}

// around returns the link of a name in the zone's chain as it is now. A chain
// without values is not kept: a family has a zone for each name that somebody
// thinks of.
func (z zone) around(name delegation.Name) link {
	if z.Family && !z.values.Known(z.apex) {
		return newChain(z.names(nil)).around(name)
	}
	z.chains.mu.Lock()
	defer z.chains.mu.Unlock()
	return z.current().around(name)
}

// chain returns a copy of the zone's chain as it is now, and its serial.
func (z zone) chain() (chain, uint32) {
	z.chains.mu.Lock()
	defer z.chains.mu.Unlock()
	now := z.current()
	return slices.Clone(now.chain), now.serial
}

// current returns the zone's chain, brought up to date; z.chains.mu is held.
func (z zone) current() *current {
	now := z.chains.of[z.apex]
	if now == nil {
		now = new(current)
		z.chains.of[z.apex] = now
	}
	if now.chain != nil && now.serial == z.values.Serial(z.apex) {
		return now
	}
	if c, ok := z.values.Since(z.apex, now.serial); ok && now.chain != nil {
		for owner, list := range c.After {
			now.chain = now.with(owner, z.isThere(owner, list))
		}
		now.serial = c.Now
		return now
	}
	list, serial := z.values.All(z.apex)
	now.chain, now.serial = newChain(z.names(list)), serial
	return now
}

// isThere reports whether a name has records, where these are its values.
func (z zone) isThere(name delegation.Name, list []values.Value) bool {
	return name == z.apex || len(list) > 0 || len(z.fixed[name]) > 0
}

// names returns the names that have records, where these are the zone's values.
func (z zone) names(list []values.Value) []delegation.Name {
	names := append([]delegation.Name{z.apex}, sortedNames(z.fixed)...)
	for _, set := range values.ByOwner(list) {
		names = append(names, set[0].Owner)
	}
	return names
}
