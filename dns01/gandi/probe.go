package gandi

import (
	"context"
	"net/http"
	"net/url"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/reach"
	"certctl/dns01/web"
)

// ProbeScope implements dns01.ScopeProber. A personal access token is restricted
// to products, which are whole domains, and to permissions (Gandi, personal
// access tokens): nothing narrower can be had. The domains that it is for are
// those that it sees.
func (p *provider) ProbeScope(ctx context.Context, apex, _ delegation.Name) (dns01.Breadth, error) {
	account := p.service.account
	b := dns01.Breadth{
		Server: account.Server(),
		Trials: []dns01.Trial{reach.Inherent(dns01.WholeZone, "a token is for whole domains, with their name servers")},
		Unseen: "other permissions, such as for certificates, or to buy domains",
	}
	var list []struct {
		Name string `json:"fqdn"`
	}
	r := web.Request{Method: http.MethodGet, Path: "domains", Query: url.Values{"per_page": {"50"}}}
	if err := account.Call(ctx, r, &list); err != nil {
		return b, err
	}
	var names []string
	for _, d := range list {
		names = append(names, d.Name)
	}
	b.Trials = append(b.Trials, reach.Zones("domains of the token", apex, names))
	more, err := reach.Look(ctx, func(ctx context.Context, path string) error {
		return account.Call(ctx, web.Request{Method: http.MethodGet, Path: path}, nil)
	}, reach.Place{Reach: dns01.Account, Question: "billing (permission to see it)", Path: "../billing/info"})
	b.Trials = append(b.Trials, more...)
	return b, err
}
