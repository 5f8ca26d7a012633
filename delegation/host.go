package delegation

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"

	"github.com/miekg/dns"
)

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
		if r.owners.cover(host) {
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
