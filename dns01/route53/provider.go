package route53

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/guard"
	"certctl/dns01/rrset"
)

// AppendRecords adds values, those of all owners in one request.
func (p *provider) AppendRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	return p.edit(ctx, zone, records, (*rrset.Editor).Add)
}

// DeleteRecords removes values, those of all owners in one request.
func (p *provider) DeleteRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	return p.edit(ctx, zone, records, (*rrset.Editor).Remove)
}

func (p *provider) edit(ctx context.Context, zone string, records []libdns.Record, do func(*rrset.Editor, context.Context, []dns01.Record) error) ([]libdns.Record, error) {
	admitted, err := guard.Admit(p.Label(), p.scope, zone, records)
	if err != nil || len(admitted) == 0 {
		return nil, err
	}
	for _, r := range admitted {
		if err := checkValue(r.Value); err != nil {
			return nil, &dns01.UnsentError{Err: err}
		}
	}
	h, err := p.zone(ctx, admitted[0].Zone)
	if err != nil {
		return nil, &dns01.UnsentError{Err: err}
	}
	if err := do(h.editor, ctx, admitted); err != nil {
		return nil, err
	}
	return guard.Done(admitted), nil
}

// hosted is a hosted zone.
type hosted struct {
	provider *provider
	id       string
	editor   *rrset.Editor

	mu      sync.Mutex
	pending []string // changes of which it is not known that all servers have them
}

// zone returns the hosted zone for a zone.
func (p *provider) zone(ctx context.Context, zone delegation.Name) (*hosted, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h := p.zones[zone]; h != nil {
		return h, nil
	}
	id := strings.TrimPrefix(p.config.ZoneID, "/hostedzone/")
	if id == "" {
		var err error
		if id, err = p.lookUp(ctx, zone); err != nil {
			return nil, err
		}
	}
	h := &hosted{provider: p, id: id}
	h.editor = editor(h)
	p.zones[zone] = h
	return h, nil
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
