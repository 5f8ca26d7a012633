package hetzner

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

// ProbeScope implements dns01.ScopeProber. A token is for all of a project, to
// read or to read and write (Hetzner Cloud API, authentication): nothing narrower
// can be had, so that what counts is what else there is in the project.
func (p *provider) ProbeScope(ctx context.Context, apex, _ delegation.Name) (dns01.Breadth, error) {
	const why = "a token is for all of a project"
	account := p.service.account
	b := dns01.Breadth{
		Server: account.Server(),
		Trials: []dns01.Trial{reach.Inherent(dns01.WholeZone, why), reach.Inherent(dns01.OtherZones, why), reach.Inherent(dns01.Account, why)},
		Unseen: "what is in the project beside zones, servers, load balancers, volumes and certificates",
	}
	var list struct{ Zones []struct{ Name string } }
	if err := p.service.get(ctx, "zones", &list); err != nil {
		return b, err
	}
	var names []string
	for _, z := range list.Zones {
		names = append(names, z.Name)
	}
	b.Trials = append(b.Trials, reach.Zones("zones of the project", apex, names))
	for _, kind := range []string{"servers", "load_balancers", "volumes", "certificates"} {
		t, err := p.service.count(ctx, kind)
		if err != nil {
			return b, err
		}
		b.Trials = append(b.Trials, t)
	}
	return b, nil
}

func (s *service) get(ctx context.Context, path string, into any) error {
	query := url.Values{"per_page": {"50"}}
	return s.account.Call(ctx, web.Request{Method: http.MethodGet, Path: path, Query: query}, into)
}

// count looks how many things of a kind there are.
func (s *service) count(ctx context.Context, kind string) (dns01.Trial, error) {
	var list struct {
		Meta struct {
			Pagination struct {
				Total int `json:"total_entries"`
			}
		}
	}
	if err := s.get(ctx, kind, &list); err != nil {
		return dns01.Trial{}, err
	}
	found := ""
	if n := list.Meta.Pagination.Total; n > 0 {
		found = fmt.Sprint(n)
	}
	return reach.Found(dns01.Account, kind+" of the project", found), nil
}
