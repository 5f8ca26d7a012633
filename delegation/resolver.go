package delegation

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/miekg/dns"
)

// Options configures a Resolver.
type Options struct {
	Recursive []netip.AddrPort // recursive resolvers, for the root's servers and the addresses of name servers; empty: the Client's Encrypted, or the system's
	Port      uint16           // port of authoritative servers; 0: 53
	Client    *Client          // nil: the zero Client
	Warn      func(string)     // told once about each circumstance of the whole run (no IPv6 route, port 53 closed); nil: dropped
}

// Resolver finds targets. It caches zone cuts for as long as it lives, which
// is one run of the program. It is safe for concurrent use.
type Resolver struct {
	*common
	depth int // how many lookups of addresses this one is a part of

	cuts     *cuts
	roots    memo[Name, *zone]    // the root, before it is in cuts
	sights   memo[Name, *sight]   // names looked at
	apexes   memo[Name, []Name]   // the NS records of zones
	services memo[Name, *service] // the servers of zones
	hosts    memo[Name, found]    // addresses looked up
	observed memo[asked, said]    // what Observe has asked for
}

// common is what a Resolver shares with those that it uses itself.
type common struct {
	client    *Client
	port      uint16
	recursive func() ([]netip.AddrPort, error)
	warn      func(string)
	slots     chan struct{} // one is taken for each exchange under way

	owners   owners
	families families
	silent   silence
	memory   memory
	direct   atomic.Bool // an authoritative server was reached
}

// NewResolver returns a Resolver. It does not ask anyone anything yet.
func NewResolver(o Options) *Resolver {
	c := &common{
		client:    o.Client,
		port:      o.Port,
		recursive: func() ([]netip.AddrPort, error) { return o.Recursive, nil },
		warn:      func(string) {},
		slots:     make(chan struct{}, maxInFlight),
	}
	if c.client == nil {
		c.client = &Client{}
	}
	if c.port == 0 {
		c.port = 53
	}
	if len(o.Recursive) == 0 && len(c.client.Encrypted) == 0 {
		c.recursive = sync.OnceValues(func() ([]netip.AddrPort, error) { return systemResolvers(resolvConf) })
	}
	if o.Warn != nil {
		var mu sync.Mutex
		c.warn = func(text string) {
			mu.Lock()
			defer mu.Unlock()
			o.Warn(text)
		}
	}
	return &Resolver{common: c, cuts: newCuts()}
}

// Resolve follows aliases and zone cuts from a challenge name to its Target. An
// error means that the place is not known, never that there is no delegation:
// a *ServersError names every server and what it answered, an *AliasError is a
// loop or a chain that is too long.
//
// No name costs more than 200 queries or 30 seconds, see Limit.
func (r *Resolver) Resolve(ctx context.Context, challenge Name, follow Follow) (*Target, error) {
	t, err := r.Trace(ctx, challenge, follow)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// Trace is Resolve that returns the way up to where it failed with an error,
// too: then the target has steps, and no owner.
func (r *Resolver) Trace(ctx context.Context, challenge Name, follow Follow) (*Target, error) {
	ctx, stop := Limit(ctx)
	defer stop()
	r.owners.add(challenge)
	t := &Target{Challenge: challenge}
	switch {
	case follow.Owner != "":
		return t, r.pin(ctx, t, follow.Owner)
	case follow.Never:
		return t, r.pin(ctx, t, challenge)
	}
	return t, r.follow(ctx, t)
}

// Primary returns the addresses of the server named by the MNAME field of a
// zone's SOA record: where updates go unless the configuration says otherwise.
// The error is a *PrimaryError when that server cannot be found.
func (r *Resolver) Primary(ctx context.Context, zone Name) ([]netip.AddrPort, error) {
	ctx, stop := Limit(ctx)
	defer stop()
	z, rep, err := r.walk(ctx, zone, dns.TypeSOA)
	switch {
	case err != nil:
		return nil, err
	case rep.apex != zone || rep.mname == root:
		return nil, &PrimaryError{Zone: zone}
	}
	if s, err := r.service(ctx, z); err == nil {
		for _, server := range s.servers {
			if server.Name == rep.mname && len(server.Addrs) > 0 {
				return slices.Clone(server.Addrs), nil
			}
		}
	}
	addrs, err := r.addressesOf(ctx, z, rep.mname)
	switch {
	case len(addrs) > 0:
		return withPort(addrs, r.port), nil
	case ctx.Err() != nil:
		return nil, interrupted(ctx, zone, dns.TypeSOA)
	}
	return nil, &PrimaryError{Zone: zone, Name: rep.mname, Err: err}
}
