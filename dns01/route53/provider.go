package route53

import (
	"context"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/dns01/hosted"
	"certctl/dns01/rrset"
	"certctl/dns01/txt"
)

// zone is a hosted zone.
type zone struct {
	provider *provider
	id       string
	pending  hosted.Pending
}

// open returns the editor of a zone.
func (p *provider) open(ctx context.Context, name delegation.Name) (hosted.Editor, error) {
	id := strings.TrimPrefix(p.config.ZoneID, "/hostedzone/")
	if id == "" {
		var err error
		if id, err = p.lookUp(ctx, name); err != nil {
			return nil, err
		}
	}
	return &rrset.Editor{Service: &zone{provider: p, id: id}, Quote: txt.Quote, Unquote: txt.Unquote, Check: checkValue, Most: 100}, nil
}

// zone returns a zone.
func (p *provider) zone(ctx context.Context, name delegation.Name) (*zone, error) {
	e, err := p.Editor(ctx, name)
	if err != nil {
		return nil, err
	}
	return e.(*rrset.Editor).Service.(*zone), nil
}

// longestPause is how long to wait at most before a change is asked about again.
// Route 53 answers five requests a second.
const longestPause = 4 * time.Second

// WaitStatus implements dns01.StatusWaiter.
func (p *provider) WaitStatus(ctx context.Context, apex delegation.Name) error {
	h, err := p.zone(ctx, apex)
	if err != nil {
		return err
	}
	return h.pending.Await(ctx, time.Second/2, longestPause, p.getChange)
}
