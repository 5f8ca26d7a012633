package linode

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/reach"
	"certctl/dns01/web"
)

// ProbeScope implements dns01.ScopeProber. A token has scopes, which every answer
// repeats in X-OAuth-Scopes, and the grants of its user, which anybody may ask
// for: none (status 204) where the user is not restricted. Grants are for whole
// domains (Linode API, List grants): nothing narrower can be had.
func (p *provider) ProbeScope(ctx context.Context, apex, _ delegation.Name) (dns01.Breadth, error) {
	account := p.service.account
	b := dns01.Breadth{
		Server: account.Server(),
		Trials: []dns01.Trial{reach.Inherent(dns01.WholeZone, "grants are for whole domains")},
	}
	answer, err := account.Send(ctx, web.Request{Method: http.MethodGet, Path: "profile/grants"})
	if err != nil {
		return b, err
	}
	domains, err := p.service.domains(ctx, apex, answer)
	if err != nil {
		return b, err
	}
	b.Trials = append(b.Trials, domains, scopes(answer.Header.Get("X-OAuth-Scopes")))
	return b, nil
}

// domains looks which other domains the token's user may write.
func (s *service) domains(ctx context.Context, apex delegation.Name, answer web.Answer) (dns01.Trial, error) {
	var grants struct {
		Global struct {
			Add bool `json:"add_domains"`
		}
		Domain []struct{ Label, Permissions string }
	}
	if answer.Status == http.StatusNoContent {
		return dns01.Trial{Reach: dns01.OtherZones, Question: "grants of the user", Accepted: true, Answer: "the user is not restricted"}, nil
	}
	if json.Unmarshal(answer.Body, &grants) != nil {
		return dns01.Trial{}, &web.FormError{Server: s.account.Server()}
	}
	var names []string
	for _, d := range grants.Domain {
		if d.Permissions == "read_write" {
			names = append(names, d.Label)
		}
	}
	t := reach.Zones("domains granted to the user", apex, names)
	if !t.Accepted && grants.Global.Add {
		t = reach.Found(dns01.OtherZones, "grants of the user", "add_domains")
	}
	return t, nil
}

// scopes looks which scopes a token has that are not needed. "*" is all.
func scopes(text string) dns01.Trial {
	const question = "scopes of the token"
	all := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
	if len(all) == 0 {
		return dns01.Trial{Reach: dns01.Account, Question: question, Answer: "not said"}
	}
	excess := slices.DeleteFunc(all, func(s string) bool { return strings.HasPrefix(s, "domains:") })
	return reach.Found(dns01.Account, question, strings.Join(excess, " "))
}
