package delegation

import (
	"context"
	"net/netip"
)

// Options configures a Resolver.
type Options struct {
	Recursive []netip.AddrPort // recursive resolvers, for the root's servers and the addresses of name servers; empty: the system's
	Port      uint16           // port of authoritative servers; 0: 53
	Client    *Client          // nil: the zero Client
	Warn      func(string)     // told once about each circumstance of the whole run (no IPv6 route, port 53 closed); nil: dropped
}

// Resolver finds targets. It caches zone cuts for as long as it lives, which
// is one run of the program. It is safe for concurrent use.
type Resolver struct{}

// NewResolver returns a Resolver.
func NewResolver(o Options) *Resolver { panic("not yet written") }

// Resolve follows aliases and zone cuts from a challenge name to its Target.
func (r *Resolver) Resolve(ctx context.Context, challenge Name, follow Follow) (*Target, error) {
	panic("not yet written")
}

// Primary returns the addresses of the server named by the MNAME field of a
// zone's SOA record: where updates go unless the configuration says otherwise.
func (r *Resolver) Primary(ctx context.Context, zone Name) ([]netip.AddrPort, error) {
	panic("not yet written")
}
