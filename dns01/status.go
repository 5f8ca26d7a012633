package dns01

import (
	"context"
	"errors"

	"certctl/delegation"
)

// StatusWaiter is a Provider whose service says itself when all of its name
// servers have a change.
//
// WaitStatus returns nil when the service says so of everything that this
// provider has appended to a zone. An *AbandonedError says that the change will
// not come. Any other error says that the service cannot be asked: then the name
// servers decide alone, as they do in the end in any case. It must heed ctx.
type StatusWaiter interface {
	WaitStatus(ctx context.Context, zone delegation.Name) error
}

// AbandonedError says that a service has taken a change, and given it up later.
type AbandonedError struct{ Err error }

func (e *AbandonedError) Error() string { return "the service gave the change up: " + e.Err.Error() }
func (e *AbandonedError) Unwrap() error { return e.Err }

// service remembers that a credential's service is asked about the zone before
// its name servers are.
func (z *zone) service(c *Credential) {
	w, ok := c.provider.(StatusWaiter)
	if !ok || z.services[w] != nil {
		return
	}
	z.services[w] = c
}

// hold keeps a zone's servers from being asked until its services say that they
// have the records, for half of the zone's time at most.
func (w *watch) hold(z *zone) {
	defer w.release(z)
	ctx, cancel := context.WithTimeout(z.ctx, z.Timeout/2)
	defer cancel()
	for s, c := range z.services {
		err := s.WaitStatus(ctx, z.name)
		if _, ok := errors.AsType[*AbandonedError](err); ok {
			z.abandoned <- &ZoneError{Zone: z.name, Label: c.Label, Scope: c.Scope, Err: err}
			return
		}
	}
}

func (w *watch) release(z *zone) {
	w.mu.Lock()
	defer w.mu.Unlock()
	z.held = false
}
