package dns01

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"certctl/delegation"
)

// Audience is a Provider whose server says who has asked it for values.
//
// Askers returns who has asked for TXT records at an owner name of a zone since
// the last value was put there. The error is errors.ErrUnsupported where the
// server does not know, or does not tell.
type Audience interface {
	Askers(ctx context.Context, zone, owner delegation.Name) ([]Asker, error)
}

// Asker is a network that has asked for values.
type Asker struct {
	Network netip.Prefix
	Queries int
	Served  bool      // it got a value
	Last    time.Time // when it asked last, by the clock of this host
}

// Askers returns who has asked for the values at an owner. The error is
// errors.ErrUnsupported where the provider has no way to know.
func (c *Credential) Askers(ctx context.Context, zone, owner delegation.Name) ([]Asker, error) {
	a, ok := c.provider.(Audience)
	if !ok || !c.Covers(zone, owner) {
		return nil, errors.ErrUnsupported
	}
	return a.Askers(ctx, zone, owner)
}
