package scaleway

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/reach"
	"certctl/dns01/records"
	"certctl/dns01/web"
)

// Ping implements dns01.Pinger: it lists the records at a name.
func (p *provider) Ping(ctx context.Context, apex delegation.Name, _ []delegation.Name) error {
	z, err := p.zone(ctx, apex)
	if err != nil {
		return err
	}
	return z.call(ctx, http.MethodGet, url.Values{"name": {"certctl-probe"}, "page_size": {"1"}}, nil, nil)
}

func (p *provider) zone(ctx context.Context, apex delegation.Name) (*zone, error) {
	e, err := p.Editor(ctx, apex)
	if err != nil {
		return nil, err
	}
	return e.(*records.Editor).Service.(*zone), nil
}

// places are outside of DNS, below the same address. Permission sets are for a
// product each (IAM, permission sets reference).
var places = []reach.Place{
	{Reach: dns01.Account, Question: "servers (Instances)", Path: "../../instance/v1/zones/fr-par-1/servers"},
	{Reach: dns01.Account, Question: "keys (IAM)", Path: "../../iam/v1alpha1/api-keys"},
}

// ProbeScope implements dns01.ScopeProber: the zones that a key can list are
// those that it can write, each as a whole: the narrowest of Scaleway's
// permission sets for DNS, DomainsDNSFullAccess, is for a project.
func (p *provider) ProbeScope(ctx context.Context, apex, _ delegation.Name) (dns01.Breadth, error) {
	z, err := p.zone(ctx, apex)
	if err != nil {
		return dns01.Breadth{}, err
	}
	b := dns01.Breadth{
		Server: z.account.Server(), Unseen: "products of Scaleway other than DNS, Instances and IAM",
		Trials: []dns01.Trial{reach.Inherent(dns01.WholeZone, "a permission set is for all zones of a project")},
	}
	var list struct {
		Zones []struct {
			Domain    string `json:"domain"`
			Subdomain string `json:"subdomain"`
		} `json:"dns_zones"`
	}
	query := url.Values{"page_size": {"10"}}
	if err := z.account.Call(ctx, web.Request{Method: http.MethodGet, Path: "dns-zones", Query: query}, &list); err != nil {
		return b, err
	}
	var names []string
	for _, z := range list.Zones {
		names = append(names, strings.TrimPrefix(z.Subdomain+"."+z.Domain, "."))
	}
	b.Trials = append(b.Trials, reach.Zones("list of zones", apex, names))
	more, err := reach.Look(ctx, func(ctx context.Context, path string) error {
		return z.account.Call(ctx, web.Request{Method: http.MethodGet, Path: path}, nil)
	}, places...)
	b.Trials = append(b.Trials, more...)
	return b, err
}
