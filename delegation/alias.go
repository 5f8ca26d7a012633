package delegation

import (
	"context"
	"fmt"
	"slices"

	"github.com/miekg/dns"
)

// maxAliases is how long a chain may be: Unbound, which CAs use, restarts a
// query eleven times and then answers SERVFAIL.
const maxAliases = 11

// sight is what the authoritative servers say about one name.
type sight struct {
	name        Name
	zone        *zone // that the name is in
	primary     Name  // of that zone
	from        peer
	exists      bool   // the name has records, or there are names below it, or a wildcard covers it
	alias       *alias // nil: the name is no alias
	synthesised bool   // the alias comes from a wildcard
}

// look asks what a name is. The type is CNAME: a server that has one says so
// and does not go after it, where for every other type BIND and PowerDNS answer
// SERVFAIL if that leads in a circle. Every other name gets a negative answer,
// and that brings the SOA record of the zone it is in (RFC 2308 §3), also at an
// apex, and also where parent and child share a server.
func (r *Resolver) look(ctx context.Context, name Name) (*sight, error) {
	return r.sights.do(ctx, name, func() (*sight, error) {
		z, rep, err := r.walk(ctx, name, dns.TypeCNAME)
		if err != nil {
			return nil, err
		}
		s := &sight{name: name, zone: z, primary: rep.mname, from: rep.from, exists: rep.exists || rep.alias != nil, alias: rep.alias}
		switch {
		case s.alias != nil:
			err = r.trace(ctx, s)
		case rep.apex == "":
			s.zone, s.primary, err = r.zoneOf(ctx, name)
		}
		return s, err
	})
}

// follow goes from alias to alias until a name is none.
func (r *Resolver) follow(ctx context.Context, t *Target) error {
	path := []Name{t.Challenge}
	for {
		s, err := r.look(ctx, path[len(path)-1])
		if err != nil {
			r.addKnownCuts(ctx, t, path[len(path)-1])
			return led(t, path, err)
		}
		if s.alias == nil {
			return led(t, path, r.complete(ctx, t, s))
		}
		r.addCuts(ctx, t, s.zone)
		if s.synthesised && t.Explicit == nil {
			r.addExplicit(ctx, t, s)
		}
		t.Steps = append(t.Steps, s.step())
		to := s.alias.to
		switch {
		case slices.Contains(path, to):
			return led(t, path, &AliasError{Path: append(path, to), Loop: true})
		case len(path) > maxAliases:
			return led(t, path, &AliasError{Path: path})
		}
		r.owners.add(to)
		path = append(path, to)
	}
}

// step returns the alias as a step.
func (s *sight) step() Step {
	return Step{
		Kind: Alias, Type: dns.Type(s.alias.rrtype).String(), From: s.name, To: s.alias.to,
		Zone: s.zone.apex, Server: s.from.addr, ServerName: s.from.host, Synthesised: s.synthesised,
	}
}

// led says how an error came about that concerns another name than the one
// that the user gave.
func led(t *Target, path []Name, err error) error {
	last := path[len(path)-1]
	if err == nil || len(path) == 1 && t.Explicit == nil {
		return err
	}
	if _, ok := err.(*AliasError); !ok {
		err = fmt.Errorf("%s is an alias that leads to %s: %w", t.Challenge, last, err)
	}
	if t.Explicit != nil {
		return &WildcardError{Challenge: t.Challenge, Name: t.Explicit.Owner, Err: err}
	}
	return err
}

// pin takes owner as the place, whatever aliases say.
func (r *Resolver) pin(ctx context.Context, t *Target, owner Name) error {
	r.owners.add(owner)
	s, err := r.look(ctx, owner)
	if err != nil {
		r.addKnownCuts(ctx, t, owner)
		return err
	}
	if s.alias != nil && !s.synthesised {
		t.warn("%s is an alias for %s (%s): CAs follow it, and servers keep no other record there",
			owner, s.alias.to, dns.Type(s.alias.rrtype))
	}
	return r.complete(ctx, t, s)
}

// complete makes the name that s is about the owner.
func (r *Resolver) complete(ctx context.Context, t *Target, s *sight) error {
	r.addCuts(ctx, t, s.zone)
	service, err := r.service(ctx, s.zone)
	if err != nil {
		return err
	}
	t.Owner, t.Zone, t.Primary = s.name, s.zone.apex, s.primary
	t.Servers = slices.Clone(service.servers)
	t.Warnings = append(t.Warnings, service.warnings...)
	if s.zone.proxied {
		t.Proxied, t.Resolvers = true, addrsOf(s.zone.servers)
	}
	if s.exists {
		r.warnOfVanishing(ctx, t, s.zone)
	}
	if ctx.Err() != nil {
		return interrupted(ctx, s.name, dns.TypeCNAME)
	}
	return nil
}

// addKnownCuts adds the cuts on the way to a name of which no more is known.
func (r *Resolver) addKnownCuts(ctx context.Context, t *Target, name Name) {
	r.cuts.mu.Lock()
	z := r.cuts.closest(name)
	r.cuts.mu.Unlock()
	if z != nil {
		r.addCuts(ctx, t, z)
	}
}

// addCuts adds the cuts from the root down to z that are not yet among the
// steps.
func (r *Resolver) addCuts(ctx context.Context, t *Target, z *zone) {
	if z.parent == nil {
		return
	}
	r.addCuts(ctx, t, z.parent)
	if slices.ContainsFunc(t.Steps, func(s Step) bool { return s.Kind == Cut && s.To == z.apex }) {
		return
	}
	names := z.named
	if names == nil {
		names, _ = r.ownNames(ctx, z)
	}
	t.Steps = append(t.Steps, z.step(names))
}

func (t *Target) warn(format string, args ...any) {
	t.Warnings = append(t.Warnings, fmt.Sprintf(format, args...))
}
