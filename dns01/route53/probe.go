package route53

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/absent"
	"certctl/dns01/txt"
)

// Ping implements dns01.Pinger: it reads a record set.
func (p *provider) Ping(ctx context.Context, apex delegation.Name) error {
	h, err := p.zone(ctx, apex)
	if err != nil {
		return err
	}
	_, err = h.Read(ctx, p.scope)
	return err
}

// ProbeScope implements dns01.ScopeProber. Amazon looks at the policies first and
// denies; who is allowed to hears that there is no such record set.
func (p *provider) ProbeScope(ctx context.Context, apex, owner delegation.Name) (dns01.Breadth, error) {
	b := dns01.Breadth{Server: p.client.Server()}
	h, err := p.zone(ctx, apex)
	if err != nil {
		return b, err
	}
	if b.Trials, err = absent.Try(ctx, absent.Records(apex, owner), h.remove); err != nil {
		return b, err
	}
	other, err := h.otherZone(ctx)
	if denied(err) || err == nil && other.ID == "" {
		return b, nil
	}
	if err != nil {
		return b, err
	}
	elsewhere := &zone{provider: p, id: other.id()}
	more, err := absent.Try(ctx, []absent.Record{absent.In(delegation.Name(other.Name))}, elsewhere.remove)
	b.Trials = append(b.Trials, more...)
	return b, err
}

// remove asks for the removal of a record that is not there.
func (h *zone) remove(ctx context.Context, r absent.Record) (absent.Verdict, string, error) {
	data := r.Value
	if r.Type == "TXT" {
		data = txt.Quote(data)
	}
	set := recordSet{Name: r.Owner.String(), Type: r.Type, TTL: 60, Values: []string{data}}
	body := changeRequest{XMLNS: namespace, Changes: []change{{"DELETE", set}}}
	err := h.provider.call(ctx, http.MethodPost, "hostedzone/"+h.id+"/rrset", nil, body, new(changeResponse))
	e, ok := errors.AsType[*APIError](err)
	switch {
	case !ok:
		return absent.Unclear, "", err
	case denied(err):
		return absent.Refused, e.Code, nil
	case e.Code == "InvalidChangeBatch":
		return absent.Accepted, e.Code, nil
	}
	return absent.Unclear, e.Code, nil
}

func denied(err error) bool {
	e, ok := errors.AsType[*APIError](err)
	return ok && strings.HasPrefix(e.Code, "AccessDenied")
}
