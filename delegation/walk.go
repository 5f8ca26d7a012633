package delegation

import (
	"context"
	"fmt"

	"github.com/miekg/dns"
)

// walk asks one question of the servers that have the last word on it, going
// down by referrals from the closest known cut (RFC 1034 §5.3.3). It returns
// the zone of the answer as well: where the answer shows no SOA record, the
// closest zone that is known for certain.
//
// Others may be on the same way. They are waited for, once: they come back with
// a cut that is closer, or have failed with a question of their own.
func (r *Resolver) walk(ctx context.Context, name Name, qtype uint16) (*zone, *reply, error) {
	for waited := Name(""); ; {
		z, next, done, busy := r.cuts.approach(name)
		switch {
		case z == nil:
			if err := r.startAtRoot(ctx); err != nil {
				return nil, nil, err
			}
			continue
		case busy != nil && waited != next:
			waited = next
			select {
			case <-busy:
			case <-ctx.Done():
				return nil, nil, interrupted(ctx, name, qtype)
			}
			continue
		}
		found, rep, err := r.down(ctx, z, name, qtype)
		if done != nil {
			done()
		}
		if err != nil || found != nil {
			return found, rep, err
		}
	}
}

// down takes one step: it returns no zone when there is another to take.
func (r *Resolver) down(ctx context.Context, z *zone, name Name, qtype uint16) (*zone, *reply, error) {
	rep, err := r.ask(ctx, z, name, qtype)
	switch {
	case err != nil && z.parent == nil && !z.proxied && ctx.Err() == nil:
		return nil, nil, r.fallBack(ctx, z, err)
	case err != nil:
		return nil, nil, err
	case rep.cut != nil:
		r.cuts.passed(z, rep.cut.apex)
		r.cuts.add(rep.cut)
		return nil, nil, nil
	}
	r.cuts.passed(z, name)
	if rep.apex.isBelow(z.apex) {
		z = r.cuts.add(z.below(rep.apex, rep.from))
	}
	return z, rep, nil
}

// zoneOf returns the zone that name is in, also where the name itself is an
// alias, so that its server shows no SOA record: then the names above it show
// theirs. There is no cut in between, as an alias is not an apex. It returns
// the zone's primary server too, or "" where none of them says. Servers that
// show no SOA record with negative answers are asked for it.
func (r *Resolver) zoneOf(ctx context.Context, name Name) (*zone, Name, error) {
	for ; ; name = name.Parent() {
		z, rep, err := r.walk(ctx, name, dns.TypeCNAME)
		if err == nil && rep.alias == nil && rep.apex == "" {
			z, rep, err = r.walk(ctx, name, dns.TypeSOA)
		}
		if err != nil {
			return nil, "", err
		}
		if rep.apex != "" || name == z.apex {
			return z, rep.mname, nil
		}
	}
}

// interrupted is the error of a question that there was no time to answer.
func interrupted(ctx context.Context, name Name, qtype uint16) error {
	return fmt.Errorf("asking for the %s of %s: %w", dns.Type(qtype), name, context.Cause(ctx))
}
