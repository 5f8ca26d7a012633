package google

import (
	"context"
	"time"

	"certctl/delegation"
	"certctl/dns01/rrset"
)

// zone returns a zone.
func (p *provider) zone(ctx context.Context, name delegation.Name) (*zone, error) {
	e, err := p.Editor(ctx, name)
	if err != nil {
		return nil, err
	}
	return e.(*rrset.Editor).Service.(*zone), nil
}

// WaitStatus implements dns01.StatusWaiter.
func (p *provider) WaitStatus(ctx context.Context, apex delegation.Name) error {
	z, err := p.zone(ctx, apex)
	if err != nil {
		return err
	}
	return z.pending.Await(ctx, 250*time.Millisecond, 4*time.Second, z.getChange)
}
