package digitalocean

import (
	"context"
	"net/http"
	"net/url"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/reach"
	"certctl/dns01/web"
)

// places are for scopes that a token for domains does not have: droplet:read,
// ssh_key:read, and so on. Each operation of the API names the scope that it
// needs. A token with full access has all of them.
var places = []reach.Place{
	{Reach: dns01.Account, Question: "droplets (scope droplet:read)", Path: "droplets"},
	{Reach: dns01.Account, Question: "SSH keys (scope ssh_key:read)", Path: "account/keys"},
	{Reach: dns01.Account, Question: "databases (scope database:read)", Path: "databases"},
	{Reach: dns01.Account, Question: "clusters (scope kubernetes:read)", Path: "kubernetes/clusters"},
}

// ProbeScope implements dns01.ScopeProber. The scopes domain:… are for all domains
// of a team (DigitalOcean, custom scopes): nothing narrower can be had, so that
// what counts is which other domains there are, and which other scopes.
func (p *provider) ProbeScope(ctx context.Context, apex, _ delegation.Name) (dns01.Breadth, error) {
	const why = "the scopes domain:… are for all domains of a team"
	account := p.service.account
	b := dns01.Breadth{
		Server: account.Server(),
		Trials: []dns01.Trial{reach.Inherent(dns01.WholeZone, why), reach.Inherent(dns01.OtherZones, why)},
		Unseen: "other scopes, and whether the token has domain:update, which is not needed",
	}
	var list struct{ Domains []struct{ Name string } }
	r := web.Request{Method: http.MethodGet, Path: "domains", Query: url.Values{"per_page": {"50"}}}
	if err := account.Call(ctx, r, &list); err != nil {
		return b, err
	}
	var names []string
	for _, d := range list.Domains {
		names = append(names, d.Name)
	}
	b.Trials = append(b.Trials, reach.Zones("domains of the team", apex, names))
	more, err := reach.Look(ctx, func(ctx context.Context, path string) error {
		return account.Call(ctx, web.Request{Method: http.MethodGet, Path: path, Query: url.Values{"per_page": {"1"}}}, nil)
	}, places...)
	b.Trials = append(b.Trials, more...)
	return b, err
}
