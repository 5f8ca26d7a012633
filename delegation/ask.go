package delegation

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// A server that is silent for patience is not given up: the next one is
	// asked beside it, and every further one after haste.
	patience = 400 * time.Millisecond
	haste    = 100 * time.Millisecond

	// maxInFlight bounds the sockets that are open at a time.
	maxInFlight = 100
)

// peer is one address of a server.
type peer struct {
	host Name // "" where it is not known
	addr netip.AddrPort
}

// String returns the name and the address, with the port if it is unusual.
func (p peer) String() string {
	addr := p.addr.String()
	if p.addr.Port() == 53 {
		addr = p.addr.Addr().String()
	}
	if p.host == "" {
		return addr
	}
	return string(p.host) + " (" + addr + ")"
}

// peersOf returns the addresses of servers.
func peersOf(servers []Server) []peer {
	var ps []peer
	for _, s := range servers {
		for _, a := range s.Addrs {
			ps = append(ps, peer{s.Name, a})
		}
	}
	return ps
}

func addrsOf(servers []Server) []netip.AddrPort {
	var addrs []netip.AddrPort
	for _, s := range servers {
		addrs = append(addrs, s.Addrs...)
	}
	return addrs
}

// ask puts one question to the servers of a zone until one gives a usable
// answer: first to those whose address came with the referral, unless all of
// these were silent when last asked. The error is a *ServersError, unless ctx
// is done.
func (r *Resolver) ask(ctx context.Context, z *zone, name Name, qtype uint16) (*reply, error) {
	one := func(ctx context.Context, p peer) (*reply, *Error) { return r.inquire(ctx, z, p, name, qtype) }
	servers, unglued := z.servers, z.unglued()
	var missing []Missing
	if len(unglued) > 0 && r.silent.all(peersOf(servers)) {
		var more []Server
		more, missing = r.locate(ctx, unglued)
		servers, unglued = slices.Concat(servers, more), nil
	}
	rep, errs := r.race(ctx, peersOf(servers), one)
	if rep == nil && len(unglued) > 0 && ctx.Err() == nil {
		servers, missing = r.locate(ctx, unglued)
		var late []*Error
		rep, late = r.race(ctx, peersOf(servers), one)
		errs = append(errs, late...)
	}
	switch {
	case rep != nil:
		return rep, nil
	case ctx.Err() != nil:
		return nil, interrupted(ctx, name, qtype)
	}
	return nil, &ServersError{Zone: z.apex, Type: qtype, Name: name, Errs: errs, Missing: missing, Proxied: z.proxied}
}

// inquire puts one question to one server of a zone. Root servers offer no
// recursion: where one seems to, something on the way answers in its place.
func (r *Resolver) inquire(ctx context.Context, z *zone, p peer, name Name, qtype uint16) (*reply, *Error) {
	a, failed := r.exchange(ctx, p, name, qtype, z.proxied)
	if failed != nil {
		return nil, failed
	}
	if z.parent == nil && !z.proxied && a.RecursionAvailable {
		return nil, &Error{Type: qtype, Name: name, Host: p.host, Server: p.addr, Intercepted: true}
	}
	rep, failed := read(z, p, a.Msg, name, qtype, r.port)
	if failed == nil && !z.proxied {
		r.direct.Store(true)
	}
	return rep, failed
}

// exchange is Client.Query with a memory of what servers said, and of which
// servers and families failed.
func (r *Resolver) exchange(ctx context.Context, p peer, name Name, qtype uint16, recursion bool) (*Answer, *Error) {
	failed := &Error{Type: qtype, Name: name, Host: p.host, Server: p.addr}
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		failed.Err = ended(ctx)
		return nil, failed
	}
	a, err := r.client.Query(ctx, p.addr, name, qtype, recursion)
	if err != nil {
		failed.Err = errors.Unwrap(err)
	}
	if ctx.Err() == nil {
		r.silent.note(p.addr, err != nil)
		r.memory.note(asked{p.addr, name, qtype}, said{a, failed})
	}
	if err == nil {
		return a, nil
	}
	if IsNoRoute(err) {
		if family := r.families.lost(p.addr.Addr()); family != "" {
			r.warn("this host has no " + family + " route: name servers are not asked over " + family)
		}
	}
	return nil, failed
}

// race asks servers one after the other, with more and more of them at the
// same time the longer they take. The first usable answer wins, and the others
// are called off. Without one, it returns every server's error in order.
func (r *Resolver) race(ctx context.Context, peers []peer, one func(context.Context, peer) (*reply, *Error)) (*reply, []*Error) {
	peers = r.silent.last(r.families.routed(peers))
	type result struct {
		i   int
		rep *reply
		err *Error
	}
	results := make(chan result, len(peers))
	errs := make([]*Error, len(peers))
	begun := make([]time.Time, 0, len(peers))
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	start := func() {
		if i := len(begun); i < len(peers) && ctx.Err() == nil {
			begun = append(begun, time.Now())
			running.Go(func() {
				rep, err := one(ctx, peers[i])
				results <- result{i, rep, err}
			})
		}
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	start()
	for finished := 0; finished < len(begun); {
		select {
		case res := <-results:
			if res.rep != nil {
				r.silent.noteLate(peers, begun, errs, res.i)
				return res.rep, nil
			}
			errs[res.i] = res.err
			finished++
			start()
		case <-timer.C:
			start()
			timer.Reset(haste)
		}
	}
	return nil, slices.DeleteFunc(errs, func(e *Error) bool { return e == nil })
}

// silence remembers the addresses that gave no answer when last asked.
type silence struct {
	mu    sync.Mutex
	addrs map[netip.AddrPort]bool
}

func (s *silence) note(a netip.AddrPort, silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.addrs == nil {
		s.addrs = make(map[netip.AddrPort]bool)
	}
	s.addrs[a] = silent
}

// noteLate notes the servers that were asked and have neither failed nor won,
// if they had the time to.
func (s *silence) noteLate(peers []peer, begun []time.Time, errs []*Error, winner int) {
	for i, t := range begun {
		if i != winner && errs[i] == nil && time.Since(t) >= patience {
			s.note(peers[i].addr, true)
		}
	}
}

// all reports whether all peers were silent when last asked.
func (s *silence) all(peers []peer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !slices.ContainsFunc(peers, func(p peer) bool { return !s.addrs[p.addr] })
}

// last returns the peers with the silent ones behind the others.
func (s *silence) last(peers []peer) []peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	sorted := slices.Clone(peers)
	slices.SortStableFunc(sorted, func(a, b peer) int {
		switch x, y := s.addrs[a.addr], s.addrs[b.addr]; {
		case x == y:
			return 0
		case x:
			return 1
		}
		return -1
	})
	return sorted
}
