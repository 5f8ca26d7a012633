package porkbun

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/reach"
	"certctl/dns01/web"
)

// few is how many other domains are tried: Porkbun wants a request a second at
// most.
const few = 5

// ProbeScope implements dns01.ScopeProber. Keys are for whole domains: those with
// API Access, and of these the ones that the keys are limited to (Porkbun,
// getting started with the API). Nothing narrower can be had. Other domains of
// the account are asked for a record set that nobody has.
func (p *provider) ProbeScope(ctx context.Context, apex, _ delegation.Name) (dns01.Breadth, error) {
	account := p.service.account
	b := dns01.Breadth{
		Server: account.Server(),
		Trials: []dns01.Trial{reach.Inherent(dns01.WholeZone, "keys are for whole domains, with their name servers")},
		Unseen: "whether the keys may buy domains",
	}
	var list struct{ Domains []struct{ Domain string } }
	r := web.Request{Method: http.MethodPost, Path: "domain/listAll", Body: map[string]string{"start": "0"}}
	if err := account.Call(ctx, r, &list); err != nil {
		if refused(err) {
			b.Trials = append(b.Trials, dns01.Trial{Reach: dns01.OtherZones, Question: "domains of the account", Refused: true, Answer: "no access"})
			err = nil
		}
		return b, err
	}
	var names []string
	for _, d := range list.Domains {
		names = append(names, d.Domain)
	}
	others := reach.Others(apex, names)
	if more := len(others) - few; more > 0 {
		b.Unseen += fmt.Sprintf(", and %d of %d other domains", more, len(others))
		others = others[:few]
	}
	for _, name := range others {
		t, err := (&zone{account, name}).try(ctx)
		if err != nil {
			return b, err
		}
		b.Trials = append(b.Trials, t)
	}
	if len(others) == 0 {
		b.Trials = append(b.Trials, reach.Found(dns01.OtherZones, "domains of the account", ""))
	}
	return b, nil
}

// refused reports whether the keys may not do this. Older refusals all have the
// status 400, with the reason in words.
func refused(err error) bool { return web.IsStatus(err, http.StatusBadRequest) || reach.Denied(err) }

// try asks for records at a name that nobody has.
func (z *zone) try(ctx context.Context) (dns01.Trial, error) {
	t := dns01.Trial{Reach: dns01.OtherZones, Question: "records of " + z.name.Bare()}
	path := "/TXT/" + url.PathEscape("certctl-probe")
	_, err := z.call(ctx, "retrieveByNameType", path, nil)
	switch {
	case err == nil:
		t.Accepted, t.Answer = true, "may be read and written"
	case refused(err):
		t.Refused, t.Answer = true, "no access"
	default:
		return t, err
	}
	return t, nil
}
