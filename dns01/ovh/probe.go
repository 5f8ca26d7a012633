package ovh

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/reach"
)

// Ping implements dns01.Pinger: it lists the records at a name.
func (p *provider) Ping(ctx context.Context, apex delegation.Name, _ []delegation.Name) error {
	e, err := p.Editor(ctx, apex)
	if err != nil {
		return err
	}
	z := e.(*editor).zone
	return z.service.call(ctx, http.MethodGet, z.path("/record"), url.Values{"fieldType": {"TXT"}, "subDomain": {z.sub(p.scope)}}, nil, nil)
}

// ProbeScope implements dns01.ScopeProber: OVHcloud says which rules a consumer
// key has, which is all that it can do. A service account is looked at from
// what it can read.
func (p *provider) ProbeScope(ctx context.Context, apex, _ delegation.Name) (dns01.Breadth, error) {
	b := dns01.Breadth{
		Server: p.service.client.Server(),
		Trials: []dns01.Trial{reach.Inherent(dns01.WholeZone, "rules are for paths, and those of records have no names in them")},
	}
	if _, err := p.Editor(ctx, apex); err != nil { // for the clock
		return b, err
	}
	var err error
	var more []dns01.Trial
	if p.service.account == nil {
		more, err = p.service.look(ctx, apex)
		b.Unseen = "what the account's policies allow to write"
	} else {
		more, err = p.service.granted(ctx, apex)
	}
	b.Trials = append(b.Trials, more...)
	return b, err
}

// granted compares the rules of a consumer key with those that are needed.
func (s *service) granted(ctx context.Context, apex delegation.Name) ([]dns01.Trial, error) {
	var credential struct{ Rules []rule }
	if err := s.call(ctx, http.MethodGet, "auth/currentCredential", nil, nil, &credential); err != nil {
		return nil, err
	}
	excess := make(map[dns01.Reach][]string)
	for _, r := range credential.Rules {
		to := r.reach(apex.Bare())
		excess[to] = append(excess[to], r.Method+" "+r.Path)
	}
	var trials []dns01.Trial
	for _, to := range []dns01.Reach{dns01.WholeZone, dns01.OtherZones, dns01.Account} {
		trials = append(trials, reach.Found(to, "rules of the key that are not needed", strings.Join(excess[to], ", ")))
	}
	return trials, nil
}

// reach returns what a rule is for; "" if it is needed, or about the key itself.
func (r rule) reach(zone string) dns01.Reach {
	const zones = "/domain/zone"
	switch {
	case slices.Contains(rules(zone), r), strings.HasPrefix(r.Path, "/auth/"):
		return ""
	case r.Path == zones+"/"+zone, strings.HasPrefix(r.Path, zones+"/"+zone+"/"):
		return dns01.WholeZone
	case r.Path == zones, strings.HasPrefix(r.Path, zones+"/"):
		return dns01.OtherZones
	}
	return dns01.Account
}

// look asks which zones a service account can list, and for the customer's
// account: IAM shows to each what it may read.
func (s *service) look(ctx context.Context, apex delegation.Name) ([]dns01.Trial, error) {
	const question = "list of zones"
	var names []string
	trial := dns01.Trial{Reach: dns01.OtherZones, Question: question, Refused: true, Answer: "403 Forbidden"}
	switch err := s.call(ctx, http.MethodGet, "domain/zone", nil, nil, &names); {
	case err == nil:
		trial = reach.Zones(question, apex, names)
	case !reach.Denied(err):
		return nil, err
	}
	more, err := reach.Look(ctx, func(ctx context.Context, path string) error {
		return s.call(ctx, http.MethodGet, path, nil, nil, nil)
	}, reach.Place{Reach: dns01.Account, Question: "the customer's account", Path: "me"})
	return append([]dns01.Trial{trial}, more...), err
}
