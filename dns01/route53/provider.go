package route53

import (
	"context"
	"strings"
	"sync"
	"time"

	"certctl/delegation"
	"certctl/dns01/rrset"
	"certctl/dns01/txt"
)

// hosted is a hosted zone.
type hosted struct {
	provider *provider
	id       string

	mu      sync.Mutex
	pending []string // changes of which it is not known that all servers have them
}

// open returns the editor of a zone.
func (p *provider) open(ctx context.Context, zone delegation.Name) (*rrset.Editor, error) {
	id := strings.TrimPrefix(p.config.ZoneID, "/hostedzone/")
	if id == "" {
		var err error
		if id, err = p.lookUp(ctx, zone); err != nil {
			return nil, err
		}
	}
	return &rrset.Editor{Service: &hosted{provider: p, id: id}, Quote: txt.Quote, Unquote: txt.Unquote, Most: 100}, nil
}

// zone returns the hosted zone for a zone.
func (p *provider) zone(ctx context.Context, zone delegation.Name) (*hosted, error) {
	e, err := p.Zones.Editor(ctx, zone)
	if err != nil {
		return nil, err
	}
	return e.Service.(*hosted), nil
}

// longestPause is how long to wait at most before a change is asked about again.
// Route 53 answers five requests a second.
const longestPause = 4 * time.Second

// WaitStatus implements dns01.StatusWaiter.
func (p *provider) WaitStatus(ctx context.Context, zone delegation.Name) error {
	h, err := p.zone(ctx, zone)
	if err != nil {
		return err
	}
	h.mu.Lock()
	pending := h.pending
	h.pending = nil
	h.mu.Unlock()
	for _, id := range pending {
		for pause := time.Second / 2; ; pause = min(2*pause, longestPause) {
			insync, err := p.getChange(ctx, id)
			if err != nil {
				return err
			}
			if insync {
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
