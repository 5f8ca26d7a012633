package delegation

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/miekg/dns"
)

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
	more, _ := r.locate(ctx, z.unglued())
	peers := r.families.routed(append(peersOf(z.servers), peersOf(more)...))
	replies := make([]*reply, len(peers))
	var wg sync.WaitGroup
	for i, p := range peers {
		wg.Go(func() { replies[i], _ = r.inquire(ctx, z, p, name, qtype) })
	}
	wg.Wait()
	return slices.DeleteFunc(replies, func(rep *reply) bool { return rep == nil })
}
