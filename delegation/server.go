package delegation

import (
	"context"
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
