package delegation

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// service is who serves a zone.
type service struct {
	servers  []Server
	warnings []string
}

// service finds every address of every authoritative server of a zone: of
// those that the zone itself names, and of those that its parent names, as
// resolvers may ask either (RFC 1034 §4.2.2 wants them to be the same).
func (r *Resolver) service(ctx context.Context, z *zone) (*service, error) {
	return r.services.do(ctx, z.apex, func() (*service, error) {
		own, err := r.ownNames(ctx, z)
		if err != nil {
			return nil, err
		}
		above := r.above(ctx, z)
		s := &service{warnings: above.warnings}
		s.compare(z, own, above)
		s.servers = r.attend(ctx, z, union(own, above.named), above.glue, s)
		s.addUnnamed(z, above.unnamed)
		if ctx.Err() != nil {
			return nil, interrupted(ctx, z.apex, dns.TypeNS)
		}
		return s, s.reachable(z)
	})
}

// ownNames returns the name servers that a zone itself names at its apex.
func (r *Resolver) ownNames(ctx context.Context, z *zone) ([]Name, error) {
	return r.apexes.do(ctx, z.apex, func() ([]Name, error) {
		_, rep, err := r.walk(ctx, z.apex, dns.TypeNS)
		if err != nil {
			return nil, err
		}
		return nsNames(rep.rrs), nil
	})
}

// compare warns of a parent and a child that name different servers.
func (s *service) compare(z *zone, own []Name, above view) {
	switch {
	case len(own) == 0:
		s.warn("zone %s names no name servers of its own", z.apex)
	case len(above.named) > 0 && !slices.Equal(own, above.named):
		s.warn("zone %s names the servers %s, but %s delegates it to %s: all of them are used",
			z.apex, list(own), above.parent, list(above.named))
	}
}

// addUnnamed adds servers of the parent that answer for the zone although no
// NS record says so: resolvers that come from the parent believe them.
func (s *service) addUnnamed(z *zone, unnamed []Server) {
	for _, u := range unnamed {
		known := slices.ContainsFunc(s.servers, func(k Server) bool { return slices.Contains(k.Addrs, u.Addrs[0]) })
		if !known {
			s.servers = append(s.servers, u)
			s.warn("%s answers for zone %s without being named as its server", peer{u.Name, u.Addrs[0]}, z.apex)
		}
	}
	slices.SortStableFunc(s.servers, func(a, b Server) int { return strings.Compare(string(a.Name), string(b.Name)) })
}

func (s *service) reachable(z *zone) error {
	for _, server := range s.servers {
		if len(server.Addrs) > 0 {
			return nil
		}
	}
	return fmt.Errorf("no name server of zone %s has an address: %s", z.apex, strings.Join(s.warnings, "; "))
}

func (s *service) warn(format string, args ...any) {
	s.warnings = append(s.warnings, fmt.Sprintf(format, args...))
}

// attend finds the addresses of a zone's servers: those that the delegation
// gave as glue, and those that the zone of each server's name says.
func (r *Resolver) attend(ctx context.Context, z *zone, hosts []Name, glue []Server, s *service) []Server {
	servers := make([]Server, len(hosts))
	troubles := make([]error, len(hosts))
	var wg sync.WaitGroup
	for i, host := range hosts {
		wg.Go(func() {
			var addrs []netip.Addr
			addrs, troubles[i] = r.addressesOf(ctx, z, host)
			servers[i] = Server{host, withPort(addrs, r.port)}
		})
	}
	wg.Wait()
	for i := range servers {
		s.addGlue(z, &servers[i], glue)
		switch {
		case troubles[i] != nil:
			s.warn("the addresses of %s, a server of zone %s, cannot all be found: %v", hosts[i], z.apex, troubles[i])
		case len(servers[i].Addrs) == 0:
			s.warn("%s, a server of zone %s, has no address", hosts[i], z.apex)
		}
	}
	return servers
}

// addGlue adds the addresses that came with the delegation. Resolvers use
// them first, also where they are out of date.
func (s *service) addGlue(z *zone, server *Server, glue []Server) {
	said := len(server.Addrs) > 0
	for _, g := range glue {
		if g.Name != server.Name {
			continue
		}
		for _, a := range g.Addrs {
			if slices.Contains(server.Addrs, a) {
				continue
			}
			server.Addrs = append(server.Addrs, a)
			if said {
				s.warn("the glue of zone %s says that %s has the address %s, but its own records do not", z.apex, server.Name, a.Addr())
			}
		}
	}
	slices.SortFunc(server.Addrs, netip.AddrPort.Compare)
}

// view is what the servers of a zone's parent say about the zone.
type view struct {
	parent   Name     // that refers to it
	named    []Name   // in NS records
	glue     []Server // with their addresses
	unnamed  []Server // that answer for the zone themselves, each with one address
	warnings []string
}

// above returns the parent's view. Where the parent's server answered for the
// zone itself, so that no referral was seen, all of the parent's servers are
// asked: another one may not serve the zone, and refer to it.
func (r *Resolver) above(ctx context.Context, z *zone) view {
	var v view
	switch {
	case z.parent == nil || z.proxied:
		return v
	case z.named != nil:
		return view{parent: z.parent.apex, named: z.named, glue: z.servers}
	}
	for p := z.parent; p != nil; {
		var between *zone
		for _, rep := range r.poll(ctx, p, z.apex, dns.TypeNS) {
			switch {
			case rep.cut != nil && rep.cut.apex == z.apex:
				v.parent, v.named = p.apex, union(v.named, rep.cut.named)
				v.glue = append(v.glue, rep.cut.servers...)
			case rep.cut != nil:
				between = r.cuts.add(rep.cut)
			case len(rep.rrs) > 0:
				v.unnamed = append(v.unnamed, Server{rep.from.host, []netip.AddrPort{rep.from.addr}})
			default:
				v.warnings = append(v.warnings, fmt.Sprintf("%s serves zone %s, but does not know zone %s below it", rep.from, p.apex, z.apex))
			}
		}
		p = between
	}
	return v
}

// poll puts one question to every server of a zone and returns what usable
// answers there are.
func (r *Resolver) poll(ctx context.Context, z *zone, name Name, qtype uint16) []*reply {
	more, _ := r.findPeers(ctx, z.unglued())
	peers := r.families.routed(append(z.peers(), more...))
	replies := make([]*reply, len(peers))
	var wg sync.WaitGroup
	for i, p := range peers {
		wg.Go(func() { replies[i], _ = r.inquire(ctx, z, p, name, qtype) })
	}
	wg.Wait()
	return slices.DeleteFunc(replies, func(rep *reply) bool { return rep == nil })
}

// addressesOf returns the addresses of a zone's server. A name inside the zone
// is asked of the zone itself; any other is looked up. There can be addresses
// and an error: one family's lookup may fail.
func (r *Resolver) addressesOf(ctx context.Context, z *zone, host Name) ([]netip.Addr, error) {
	if !host.IsAtOrBelow(z.apex) || z.proxied {
		return r.lookUp(ctx, host)
	}
	return both(func(qtype uint16) ([]netip.Addr, error) {
		_, rep, err := r.walk(ctx, host, qtype)
		if err != nil {
			return nil, err
		}
		return addresses(rep.rrs), nil
	})
}

// found is the addresses of a host, and what went wrong with one family.
type found struct {
	addrs []netip.Addr
	err   error
}

// lookUp returns the addresses of a host.
func (r *Resolver) lookUp(ctx context.Context, host Name) ([]netip.Addr, error) {
	f, err := r.hosts.do(ctx, host, func() (found, error) {
		ask := r.recurse
		if r.owners.cover(host) && !r.proxied.Load() {
			ask = r.descend
		}
		addrs, err := both(func(qtype uint16) ([]netip.Addr, error) { return ask(ctx, host, qtype) })
		if len(addrs) == 0 {
			return found{}, err
		}
		return found{addrs, err}, nil
	})
	return f.addrs, errors.Join(err, f.err)
}

// recurse asks the recursive resolver for addresses of one type. It must not
// be given a name at or below one where a validation record belongs.
func (r *Resolver) recurse(ctx context.Context, host Name, qtype uint16) ([]netip.Addr, error) {
	proxy, err := r.proxy()
	if err != nil {
		return nil, err
	}
	rep, err := r.ask(ctx, proxy, host, qtype)
	if err != nil {
		return nil, err
	}
	return addressesIn(rep.m.Answer, qtype), nil
}

// maxDepth bounds how many lookups may depend on each other.
const maxDepth = 3

// descend asks authoritative servers for addresses, from the root down, in the
// place of recurse. It has caches of its own, so that it cannot wait for the
// very lookup that it is a part of.
func (r *Resolver) descend(ctx context.Context, host Name, qtype uint16) ([]netip.Addr, error) {
	if r.depth == maxDepth {
		return nil, fmt.Errorf("the address of %s depends on itself", host)
	}
	inner := &Resolver{common: r.common, cuts: r.cuts.fresh(), depth: r.depth + 1}
	_, rep, err := inner.walk(ctx, host, qtype)
	if err != nil {
		return nil, err
	}
	return addresses(rep.rrs), nil
}

// addressesIn returns the addresses of one type, whoever they belong to: an
// answer of a recursive resolver begins with the host's aliases.
func addressesIn(answer []dns.RR, qtype uint16) []netip.Addr {
	return addresses(slices.DeleteFunc(slices.Clone(answer), func(rr dns.RR) bool { return rr.Header().Rrtype != qtype }))
}

// both asks for A and AAAA records at the same time.
func both(ask func(qtype uint16) ([]netip.Addr, error)) ([]netip.Addr, error) {
	var v4, v6 []netip.Addr
	var err4, err6 error
	var wg sync.WaitGroup
	wg.Go(func() { v4, err4 = ask(dns.TypeA) })
	wg.Go(func() { v6, err6 = ask(dns.TypeAAAA) })
	wg.Wait()
	return append(v4, v6...), errors.Join(err4, err6)
}

// locate looks up hosts at the same time. It drops those without an address.
func (r *Resolver) locate(ctx context.Context, hosts []Name) []Server {
	servers := make([]Server, len(hosts))
	var wg sync.WaitGroup
	for i, host := range hosts {
		wg.Go(func() {
			addrs, _ := r.lookUp(ctx, host)
			servers[i] = Server{host, withPort(addrs, r.port)}
		})
	}
	wg.Wait()
	return servers
}

// findPeers looks up the addresses of hosts, and says which have none.
func (r *Resolver) findPeers(ctx context.Context, hosts []Name) (peers []peer, missing []Name) {
	found := &zone{servers: r.locate(ctx, hosts)}
	return found.peers(), found.unglued()
}

// owners are the names where validation records belong, seen in this run. A
// recursive resolver is never asked for a name at or below one: a cache that
// learns that there is no record may say so to the CA later.
type owners struct {
	mu    sync.Mutex
	names map[Name]bool
}

func (o *owners) add(n Name) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.names == nil {
		o.names = make(map[Name]bool)
	}
	o.names[n] = true
}

// cover reports whether n is at or below one of them.
func (o *owners) cover(n Name) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for ; n != root; n = n.Parent() {
		if o.names[n] {
			return true
		}
	}
	return false
}

func union(a, b []Name) []Name {
	u := append(slices.Clone(a), b...)
	slices.Sort(u)
	return slices.Compact(u)
}

func list(names []Name) string {
	s := make([]string, len(names))
	for i, n := range names {
		s[i] = string(n)
	}
	return strings.Join(s, ", ")
}
