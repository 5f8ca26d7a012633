package standalone

import (
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"slices"
	"sync"
	"syscall"

	"certctl/address"
	"certctl/delegation"
	"certctl/nameserver"
	"certctl/nameserver/values"
	"certctl/nameserver/witness"
)

// Pool is all zones that a run answers for, with one server. The zero Pool has
// none.
type Pool struct {
	witness witness.Witness // of who has asked for what

	mu     sync.Mutex // guards what follows
	listen []netip.AddrPort
	zones  []nameserver.Zone
	values *values.Store // nil: the server does not run
	failed error         // why not
}

// add adds a zone, before the server starts.
func (p *Pool) add(z nameserver.Zone, listen []address.Endpoint) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.zones = append(p.zones, z)
	for _, e := range listen {
		if addr := netip.AddrPort(e); !slices.Contains(p.listen, addr) {
			p.listen = append(p.listen, addr)
		}
	}
}

// Start begins to answer; stop ends it, whatever has become of ctx meanwhile.
// Where there are no zones it does nothing. The error is a *StartError.
func (p *Pool) Start(ctx context.Context) (stop func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.zones) == 0 {
		return func() {}, nil
	}
	store := values.Memory()
	server, err := nameserver.New(nameserver.Config{Listen: p.listen, Zones: p.zones, Values: store, Observer: &p.witness})
	if err == nil {
		err = server.Listen()
	}
	if err != nil {
		p.failed = &StartError{err}
		return func() {}, p.failed
	}
	p.values, p.failed = store, nil
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(ctx) })
	return func() {
		cancel()
		serving.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.values = nil
	}, nil
}

// change changes values. Removals need no server: without it nothing is there.
func (p *Pool) change(zone delegation.Name, put, remove []values.Value) error {
	p.mu.Lock()
	store, failed := p.values, p.failed
	p.mu.Unlock()
	switch {
	case store != nil:
		err := store.Change(zone, put, remove)
		for _, v := range put {
			p.witness.Renew(v.Owner)
		}
		return err
	case len(put) == 0:
		return nil
	case failed != nil:
		return failed
	}
	return errNotServing
}

var errNotServing = errors.New("standalone: nothing answers for the zone in this command")

// StartError says that the server could not be started.
type StartError struct{ Err error }

func (e *StartError) Error() string { return "standalone: " + e.Err.Error() }

// Unwrap returns what is behind the error of the listener, whose hints are for
// the name server.
func (e *StartError) Unwrap() error {
	if behind := errors.Unwrap(e.Err); behind != nil {
		return behind
	}
	return e.Err
}

// Hint says what to do.
func (e *StartError) Hint() string {
	switch {
	case errors.Is(e.Err, syscall.EADDRINUSE):
		return "ss -lntup shows which. If it is certctl nameserver, use provider: rfc2136 with one of its keys; " +
			"if it is systemd-resolved, list the public addresses of this host and not 0.0.0.0"
	case errors.Is(e.Err, fs.ErrPermission):
		return "run certctl as root, or by systemd with AmbientCapabilities=CAP_NET_BIND_SERVICE, or run setcap cap_net_bind_service=+ep on the program"
	case errors.Is(e.Err, syscall.EADDRNOTAVAIL):
		return "listen: takes addresses that this host itself has: behind NAT not the public one"
	}
	return ""
}
