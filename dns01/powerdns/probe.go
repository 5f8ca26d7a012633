package powerdns

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/reach"
	"certctl/dns01/web"
)

// ProbeScope implements dns01.ScopeProber. The server has one api-key, for
// everything (PowerDNS, built-in webserver and HTTP API): nothing narrower can be
// had, unless a proxy before it lets only a part through. Which of the two is
// seen at the server's settings, which a proxy for zones has no reason to show.
func (p *provider) ProbeScope(ctx context.Context, apex, _ delegation.Name) (dns01.Breadth, error) {
	b := dns01.Breadth{
		Server: p.service.account.Server(),
		Trials: []dns01.Trial{reach.Inherent(dns01.WholeZone, "the API has one key for everything")},
	}
	settings, err := reach.Look(ctx, p.service.get, reach.Place{Reach: dns01.Account, Question: "settings of the server", Path: "config"})
	if err != nil {
		return b, err
	}
	if settings[0].Accepted {
		settings[0] = reach.Inherent(dns01.Account, "the key that is for zones reads the server's settings, too")
	}
	zones, err := p.service.zones(ctx, apex)
	b.Trials = append(b.Trials, settings[0], zones)
	return b, err
}

func (s *service) get(ctx context.Context, path string) error {
	return s.account.Call(ctx, s.look(path, nil), nil)
}

func (s *service) look(path string, query url.Values) web.Request {
	return web.Request{Method: http.MethodGet, Path: "api/v1/servers/" + s.id + "/" + path, Query: query}
}

// zones looks which other zones there are. More than fit in an answer are many.
func (s *service) zones(ctx context.Context, apex delegation.Name) (dns01.Trial, error) {
	const question = "zones of the server"
	var list []struct{ Name string }
	switch err := s.account.Call(ctx, s.look("zones", url.Values{"dnssec": {"false"}}), &list); {
	case errors.Is(err, web.ErrTooLong):
		return reach.Found(dns01.OtherZones, question, "more than fit in an answer"), nil
	case web.IsStatus(err, http.StatusForbidden):
		return dns01.Trial{Reach: dns01.OtherZones, Question: question, Refused: true, Answer: "403 Forbidden"}, nil
	case err != nil:
		return dns01.Trial{}, err
	}
	var names []string
	for _, z := range list {
		names = append(names, z.Name)
	}
	return reach.Zones(question, apex, names), nil
}
