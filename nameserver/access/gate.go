package access

import (
	"maps"
	"net/netip"
	"sync"
	"time"
)

// A network that has failed so often, or a user that others failed to be, is
// locked out: for a minute, and twice as long with each further failure.
const (
	networkFailures = 10
	userFailures    = 30
	firstLock       = time.Minute
	longestLock     = time.Hour
	forgotten       = 2 * time.Hour // after the last failure
	remembered      = 30 * 24 * time.Hour
	mostTallies     = 50_000
)

// Gate keeps out those who guess passwords: by the network that they come from
// (an IPv4 address, a /64 of IPv6), and by the user that they want to be. A user
// is not locked out from where he has come in before, so that nobody can lock
// him out of his own host. It is safe for concurrent use. The zero Gate is ready.
//
// A restart forgets who is locked out, on purpose. Who can cause one has the host
// already; who waits for one gets ten guesses at a password that he cannot guess
// in ten billion; and an operator who has locked himself out needs a way in.
type Gate struct {
	mu       sync.Mutex
	networks map[netip.Prefix]tally
	users    map[string]tally
	known    map[acquaintance]time.Time
}

// tally is what is remembered of failures.
type tally struct {
	failures    int
	last, until time.Time
}

type acquaintance struct {
	network netip.Prefix
	user    string
}

// LockedUntil returns when somebody may try again; the zero time if now.
func (g *Gate) LockedUntil(from netip.Addr, user string) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	now, network := time.Now(), Network(from)
	if until := g.networks[network].until; now.Before(until) {
		return until
	}
	until := g.users[user].until
	if now.Before(until) && now.Sub(g.known[acquaintance{network, user}]) > remembered {
		return until
	}
	return time.Time{}
}

// Failed notes a failure.
func (g *Gate) Failed(from netip.Addr, user string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now, network := time.Now(), Network(from)
	g.makeRoom(now)
	g.networks[network] = g.networks[network].failed(now, networkFailures)
	g.users[user] = g.users[user].failed(now, userFailures)
}

// Passed notes that somebody was who he said. His network's failures count
// on: whoever knows one password must not be able to guess others for longer.
func (g *Gate) Passed(from netip.Addr, user string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.makeRoom(now)
	g.known[acquaintance{Network(from), user}] = now
	delete(g.users, user)
}

func (t tally) failed(now time.Time, free int) tally {
	if now.Sub(t.last) > forgotten {
		t = tally{}
	}
	t.failures++
	t.last = now
	if over := t.failures - free; over >= 0 {
		t.until = now.Add(min(firstLock<<min(over, 10), longestLock))
	}
	return t
}

// makeRoom bounds what is remembered: what is old goes, and if that is not
// enough, anything.
func (g *Gate) makeRoom(now time.Time) {
	if g.networks == nil {
		g.networks, g.users, g.known = map[netip.Prefix]tally{}, map[string]tally{}, map[acquaintance]time.Time{}
	}
	trim(g.networks, func(t tally) bool { return now.Sub(t.last) > forgotten })
	trim(g.users, func(t tally) bool { return now.Sub(t.last) > forgotten })
	trim(g.known, func(t time.Time) bool { return now.Sub(t) > remembered })
}

// trim makes room in a map that is full.
func trim[K comparable, V any](m map[K]V, old func(V) bool) {
	if len(m) < mostTallies {
		return
	}
	maps.DeleteFunc(m, func(_ K, v V) bool { return old(v) })
	for k := range m {
		if len(m) < mostTallies*9/10 {
			break
		}
		delete(m, k)
	}
}

// Network returns what one host can be expected to have of addresses: an IPv4
// address, or a /64 of IPv6.
func Network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}
