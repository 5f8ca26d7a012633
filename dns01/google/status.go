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
	z.mu.Lock()
	pending := z.pending
	z.pending = nil
	z.mu.Unlock()
	for _, id := range pending {
		for pause := 250 * time.Millisecond; ; pause = min(2*pause, 4*time.Second) {
			ready, err := z.getChange(ctx, id)
			if err != nil {
				return err
			}
			if ready {
				break
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}
