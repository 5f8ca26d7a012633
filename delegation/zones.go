package delegation

import "context"

// Zone is a zone and whom to ask about it.
type Zone struct {
	Apex    Name
	Servers []Server
	Proxied bool // Servers are recursive resolvers: authoritative ones cannot be asked from here
}

// Zone returns the zone that name is in, with every server, as in a Target.
func (r *Resolver) Zone(ctx context.Context, name Name) (Zone, error) {
	z, _, err := r.zoneOf(ctx, name)
	if err != nil {
		return Zone{}, err
	}
	return r.attended(ctx, z)
}

// ParentZone returns the zone that the zone at apex is delegated from, which
// has its DS record, with the servers that came with the referral to it. It is
// found from the name above the apex: a server that serves several zones need
// not have referred to all of them.
func (r *Resolver) ParentZone(ctx context.Context, apex Name) (Zone, error) {
	z, _, err := r.zoneOf(ctx, apex.Parent())
	if err != nil {
		return Zone{}, err
	}
	if len(peersOf(z.servers)) == 0 {
		return r.attended(ctx, z)
	}
	return Zone{z.apex, z.servers, z.proxied}, nil
}

// attended returns a zone with every server.
func (r *Resolver) attended(ctx context.Context, z *zone) (Zone, error) {
	if z.proxied {
		return Zone{z.apex, z.servers, true}, nil
	}
	s, err := r.service(ctx, z)
	if err != nil {
		return Zone{}, err
	}
	return Zone{z.apex, s.servers, false}, nil
}
