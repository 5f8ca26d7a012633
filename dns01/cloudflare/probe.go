package cloudflare

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/reach"
	"certctl/dns01/records"
	"certctl/dns01/web"
)

// ProbeScope implements dns01.ScopeProber. The permission DNS Write is for all
// records of a zone (API token permissions): nothing narrower can be had. Zones
// that are listed may be there to be read only, so that one is asked for the
// removal of a record with an id that none has.
func (p *provider) ProbeScope(ctx context.Context, apex, _ delegation.Name) (dns01.Breadth, error) {
	b := dns01.Breadth{
		Server: p.service.account.Server(),
		Trials: []dns01.Trial{reach.Inherent(dns01.WholeZone, "DNS Write is for all records of a zone")},
		Unseen: "permissions for accounts, such as Workers and R2",
	}
	e, err := p.Editor(ctx, apex)
	if err != nil {
		return b, err
	}
	z := e.(*records.Editor).Service.(*zone)
	more, err := p.service.elsewhere(ctx, z)
	if b.Trials = append(b.Trials, more...); err != nil {
		return b, err
	}
	more, err = reach.Look(ctx, p.service.get,
		reach.Place{Reach: dns01.Account, Question: "settings of the zone", Path: "zones/" + z.id + "/settings/ssl"})
	if b.Trials = append(b.Trials, more...); err != nil {
		return b, err
	}
	more, err = reach.Look(ctx, p.service.get,
		reach.Place{Reach: dns01.Account, Question: "the user's tokens", Path: "user/tokens"},
		reach.Place{Reach: dns01.Account, Question: "details of the user", Path: "user"})
	for i, t := range more {
		more[i].Refused = !t.Accepted // a token of an account has no user: status 400
	}
	b.Trials = append(b.Trials, more...)
	return b, err
}

func (s *service) get(ctx context.Context, path string) error {
	return s.account.Call(ctx, web.Request{Method: http.MethodGet, Path: path}, nil)
}

// few is how many other zones are tried.
const few = 5

// elsewhere looks for other zones whose records the token may remove.
func (s *service) elsewhere(ctx context.Context, here *zone) ([]dns01.Trial, error) {
	const question = "list of zones"
	var answer struct {
		Result []struct{ ID, Name string }
	}
	r := web.Request{Method: http.MethodGet, Path: "zones", Query: url.Values{"per_page": {"50"}}}
	err := s.account.Call(ctx, r, &answer)
	if reach.Denied(err) {
		return []dns01.Trial{{Reach: dns01.OtherZones, Question: question, Refused: true, Answer: "403 Forbidden"}}, nil
	}
	var trials []dns01.Trial
	for _, z := range answer.Result {
		name, wrong := delegation.ParseName(z.Name)
		if wrong != nil || z.ID == here.id || z.ID != url.PathEscape(z.ID) || len(trials) == few {
			continue
		}
		t, err := (&zone{account: s.account, name: name, id: z.ID}).try(ctx)
		if err != nil {
			return trials, err
		}
		trials = append(trials, t)
	}
	if len(trials) == 0 {
		trials = []dns01.Trial{reach.Found(dns01.OtherZones, question, "")}
	}
	return trials, err
}

// try asks for the removal of a record whose id is made up: 128 random bits.
func (z *zone) try(ctx context.Context) (dns01.Trial, error) {
	id := make([]byte, 16)
	rand.Read(id)
	err := z.call(ctx, http.MethodDelete, fmt.Sprintf("/%x", id), nil, nil, nil)
	t := dns01.Trial{Reach: dns01.OtherZones, Question: "removal of an absent record in " + z.name.Bare()}
	status, ok := errors.AsType[*web.StatusError](err)
	switch {
	case slices.Contains(errorCodes(err), missing):
		t.Accepted, t.Answer = true, "Record does not exist (81044)"
	case reach.Denied(err):
		t.Refused, t.Answer = true, fmt.Sprint(status.Status)
	case ok:
		t.Answer = fmt.Sprint(status.Status)
	default:
		return t, err
	}
	return t, nil
}
