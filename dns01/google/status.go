package google

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/absent"
	"certctl/dns01/rrset"
	"certctl/dns01/txt"
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

// Ping implements dns01.Pinger: it reads a record set.
func (p *provider) Ping(ctx context.Context, apex delegation.Name) error {
	z, err := p.zone(ctx, apex)
	if err != nil {
		return err
	}
	_, err = z.Read(ctx, p.scope)
	return err
}

// ProbeScope implements dns01.ScopeProber. Who may not write hears that it is
// forbidden; who may, that there is no such record set.
func (p *provider) ProbeScope(ctx context.Context, apex, owner delegation.Name) (dns01.Breadth, error) {
	b := dns01.Breadth{Server: p.account.Client.Server()}
	z, err := p.zone(ctx, apex)
	if err != nil {
		return b, err
	}
	if b.Trials, err = absent.Try(ctx, absent.Records(apex, owner), z.remove); err != nil {
		return b, err
	}
	all, err := z.list(ctx, url.Values{})
	if err != nil && !forbidden(err) {
		return b, err
	}
	for _, m := range all {
		if m.Name == z.name {
			continue
		}
		elsewhere := &zone{provider: p, project: z.project, name: m.Name}
		more, err := absent.Try(ctx, []absent.Record{absent.In(delegation.Name(m.DNSName))}, elsewhere.remove)
		b.Trials = append(b.Trials, more...)
		return b, err
	}
	return b, nil
}

// remove asks for the removal of a record that is not there.
func (z *zone) remove(ctx context.Context, r absent.Record) (absent.Verdict, string, error) {
	data := r.Value
	if r.Type == "TXT" {
		data = txt.Quote(data)
	}
	c := change{Deletions: []recordSet{{Name: r.Owner.String(), Type: r.Type, TTL: 60, Data: []string{data}}}}
	err := z.call(ctx, http.MethodPost, "/"+z.name+"/changes", nil, c, new(change))
	e, ok := errors.AsType[*APIError](err)
	switch {
	case !ok:
		return absent.Unclear, "", err
	case forbidden(err):
		return absent.Refused, e.Reason, nil
	case e.outdated():
		return absent.Accepted, e.Reason, nil
	}
	return absent.Unclear, e.Reason, nil
}

func forbidden(err error) bool {
	e, ok := errors.AsType[*APIError](err)
	return ok && e.Status.Status == http.StatusForbidden
}
