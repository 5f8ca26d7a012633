package delegation

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// trace finds out where an alias comes from: the zone that it is in, and
// whether a wildcard made it.
//
// A random name below the alias tells. Where the alias exists, nothing does
// below it. Where a wildcard made it, the name itself does not exist, and the
// same wildcard answers below it too (RFC 4592 §3.3.1). A sibling would not
// tell a wildcard's work from a CNAME that happens to say the same. Below a
// DNAME every name is an alias, and no wildcard is needed for that.
func (r *Resolver) trace(ctx context.Context, s *sight) error {
	probe, ok := s.name.child(randomLabel())
	if ok && s.alias.rrtype == dns.TypeCNAME {
		z, rep, err := r.walk(ctx, probe, dns.TypeCNAME)
		switch {
		case err != nil && ctx.Err() != nil:
			return err
		case err == nil && rep.alias != nil:
			s.synthesised = *rep.alias == alias{dns.TypeCNAME, probe, s.alias.to}
		case err == nil && rep.apex != "":
			s.zone, s.primary = z, rep.mname
			return nil
		}
	}
	above := s.name.Parent()
	if s.alias.rrtype == dns.TypeDNAME {
		above = s.alias.owner // every name between is an alias, too
	}
	z, primary, err := r.zoneOf(ctx, above)
	if err == nil {
		s.zone, s.primary = z, primary
	}
	return err
}

// addExplicit sets the place that would be written at if the wildcard alias s
// was not meant for this name.
func (r *Resolver) addExplicit(ctx context.Context, t *Target, s *sight) {
	e := &Target{Challenge: t.Challenge, Steps: slices.Clone(t.Steps)}
	if err := r.complete(ctx, e, s); err != nil {
		t.warn("%s is an alias by a wildcard in zone %s, whose servers cannot be found: %v", s.name, s.zone.apex, err)
		return
	}
	t.Explicit = e
}

// warnOfVanishing warns if the record to be written would make the name above
// it disappear. A name that exists only through a wildcard, foo below
// *.example.com, stops being covered by it as soon as _acme-challenge.foo
// exists: foo is then an empty non-terminal (RFC 4592 §2.2.2).
func (r *Resolver) warnOfVanishing(ctx context.Context, t *Target, z *zone) {
	above := t.Owner.Parent()
	if !above.isBelow(z.apex) || !t.Owner.isBelow(z.apex) {
		return
	}
	beside, ok := above.Parent().child(randomLabel())
	below, ok2 := above.child(randomLabel())
	if !ok || !ok2 {
		return
	}
	made := r.content(ctx, beside)
	if made != "" && made == r.content(ctx, above) && made == r.content(ctx, below) {
		t.warn("%s seems to exist only through a wildcard (%s): while there is a record at %s, it does not, and whatever it names is gone",
			above, made, t.Owner)
	}
}

// content returns what a host name leads to, or "" if to nothing, or if that
// is not known.
func (r *Resolver) content(ctx context.Context, name Name) string {
	var all []string
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		_, rep, err := r.walk(ctx, name, qtype)
		switch {
		case err != nil || rep.alias == nil && !rep.exists:
			return ""
		case rep.alias != nil:
			return dns.Type(rep.alias.rrtype).String() + " " + string(rep.alias.to)
		}
		for _, a := range addresses(rep.rrs) {
			all = append(all, a.String())
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// randomLabel returns a label that nobody has.
func randomLabel() string { return strings.ToLower(rand.Text()) }
