package delegation

import (
	"cmp"
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
	proxy, err := r.proxy(ctx)
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
		return nil, &circleError{host}
	}
	inner := &Resolver{common: r.common, cuts: r.cuts.fresh(), depth: r.depth + 1}
	_, rep, err := inner.walk(ctx, host, qtype)
	var circle *circleError
	switch {
	case errors.As(err, &circle):
		return nil, &circleError{host}
	case err != nil:
		return nil, err
	}
	return addresses(rep.rrs), nil
}

// circleError says that the way to a host's address leads over that address.
type circleError struct{ host Name }

func (e *circleError) Error() string {
	return fmt.Sprintf("it takes the address of %s to ask for it, and there is no glue", e.host)
}

// addressesIn returns the addresses of one type, whoever they belong to: an
// answer of a recursive resolver begins with the host's aliases.
func addressesIn(answer []dns.RR, qtype uint16) []netip.Addr {
	return addresses(slices.DeleteFunc(slices.Clone(answer), func(rr dns.RR) bool { return rr.Header().Rrtype != qtype }))
}

// both asks for A and AAAA records at the same time. It returns the addresses
// of one type also where the other fails.
func both(ask func(qtype uint16) ([]netip.Addr, error)) ([]netip.Addr, error) {
	var v4, v6 []netip.Addr
	var err4, err6 error
	var wg sync.WaitGroup
	wg.Go(func() { v4, err4 = ask(dns.TypeA) })
	wg.Go(func() { v6, err6 = ask(dns.TypeAAAA) })
	wg.Wait()
	return append(v4, v6...), cmp.Or(err4, err6)
}

// locate looks up hosts at the same time. It returns those with an address,
// and those without.
func (r *Resolver) locate(ctx context.Context, hosts []Name) (servers []Server, missing []Missing) {
	results := make([]found, len(hosts))
	var wg sync.WaitGroup
	for i, host := range hosts {
		wg.Go(func() { results[i].addrs, results[i].err = r.lookUp(ctx, host) })
	}
	wg.Wait()
	for i, f := range results {
		if len(f.addrs) > 0 {
			servers = append(servers, Server{hosts[i], withPort(f.addrs, r.port)})
		} else {
			missing = append(missing, Missing{hosts[i], f.err})
		}
	}
	return servers, missing
}
