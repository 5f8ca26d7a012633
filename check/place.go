package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"certctl/delegation"
	"certctl/dns01"
)

// place is where the validation record of one name belongs.
type place struct {
	Name
	challenge delegation.Name
	target    *delegation.Target // nil: not found
	grant     *dns01.Grant       // nil: there is no credential
	addresses []netip.Addr       // where the CA comes to, if no record proves the name
}

// owner is the place that is written at.
func (p *place) owner() delegation.Name { return p.written().Owner }

// written is the target that is written at: where a wildcard's alias is not
// followed, the explicit one.
func (p *place) written() *delegation.Target {
	if p.grant != nil {
		return p.grant.Target
	}
	return p.target
}

// base is the name without its wildcard label.
func (p *place) base() delegation.Name {
	return delegation.Name(strings.TrimPrefix(p.Domain, "*.") + ".")
}

// located returns the places that were found.
func (r *run) located() []*place {
	var ps []*place
	for _, p := range r.places {
		if p.target != nil {
			ps = append(ps, p)
		}
	}
	return ps
}

// locate finds the place of each name, and the credential for it.
func (r *run) locate(ctx context.Context, names []Name) {
	for _, n := range names {
		if n.Direct != nil {
			r.direct = append(r.direct, &place{Name: n})
			continue
		}
		r.places = append(r.places, &place{Name: n})
	}
	each(r, r.places, func(p *place) (fs findings) {
		err := r.find(ctx, p)
		if err != nil && ctx.Err() == nil {
			fs.unresolved(p.Domain, err)
		}
		return fs
	})
}

func (r *run) find(ctx context.Context, p *place) (err error) {
	if p.challenge, err = p.Validation(); err != nil {
		return err
	}
	if p.target, err = r.Resolver.Resolve(ctx, p.challenge, p.Follow); err != nil {
		return err
	}
	if g, err := r.Credentials.For(p.target); err == nil {
		p.grant = &g
	}
	return nil
}

// unresolved says why a place was not found.
func (fs *findings) unresolved(domain string, err error) {
	var aliases *delegation.AliasError
	var servers *delegation.ServersError
	switch {
	case errors.As(err, &aliases) && aliases.Loop:
		fs.add("alias-loop", domain, err.Error(), "point one of these CNAME records at the name where the TXT record can be written", path(aliases)...)
	case errors.As(err, &aliases):
		fs.add("alias-too-long", domain, err.Error(), aliases.Hint(), path(aliases)...)
	case errors.As(err, &servers):
		var evidence []Evidence
		for _, e := range servers.Errs {
			evidence = append(evidence, trouble(e))
		}
		for _, m := range servers.Missing {
			evidence = append(evidence, Evidence{Server: m.Name.Bare(), Value: m.String()})
		}
		text := fmt.Sprintf("no server of zone %s gives a usable answer about %s", servers.Zone.Bare(), servers.Name.Bare())
		fs.add("unresolved", domain, text, cmp.Or(servers.Hint(), seeTrace), evidence...)
	default:
		fs.add("unresolved", domain, err.Error(), cmp.Or(hint(err), seeTrace))
	}
}

const seeTrace = "certctl trace shows the way, and what each server says"

// path is the way through aliases.
func path(e *delegation.AliasError) []Evidence {
	var way []Evidence
	for i := range len(e.Path) - 1 {
		way = append(way, Evidence{Record: "alias " + e.Path[i].Bare(), Value: e.Path[i+1].Bare()})
	}
	return way
}

// hint returns the remedy that an error brings along, or "".
func hint(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}
