package ovh

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"

	"certctl/delegation"
	"certctl/dns01"
)

// rule is what a consumer key may do: * in the path stands for anything.
type rule struct {
	Method string `json:"method"`
	Path   string `json:"path"`
}

// rules returns what is needed for a zone.
func rules(zone string) []rule {
	base := "/domain/zone/" + zone
	return []rule{
		{"GET", base + "/record"}, {"GET", base + "/record/*"}, {"POST", base + "/record"},
		{"DELETE", base + "/record/*"}, {"POST", base + "/refresh"},
	}
}

// Policies implements dns01.PolicyWriter.
func (p *provider) Policies(zone delegation.Name, _ []delegation.Name) []dns01.Policy {
	var lines []string
	for _, r := range rules(zone.Bare()) {
		lines = append(lines, fmt.Sprintf(`    {"method": %q, "path": %q}`, r.Method, r.Path))
	}
	text := fmt.Sprintf(`# $APPLICATION is the application's key. The answer has the consumer key, and a URL
# where the owner of the account allows it; $ADDRESS is that of the host that runs
# certctl.
curl -sS %s/auth/credential \
    -H "X-Ovh-Application: $APPLICATION" -H "Content-Type: application/json" --data '{
  "allowedIPs": ["'"$ADDRESS"'/32"],
  "accessRules": [
%s
  ]
}'
`, p.service.client.Server()+"/1.0", strings.Join(lines, ",\n"))
	return []dns01.Policy{{
		Kind: "ovh", Server: "OVHcloud", Text: text,
		Excess: fmt.Sprintf("the key may write every record of zone %s: OVHcloud knows nothing narrower than a zone, so keep nothing else in it", zone.Bare()),
	}}
}

// Ping implements dns01.Pinger: it lists the records at a name.
func (p *provider) Ping(ctx context.Context, apex delegation.Name) error {
	e, err := p.Editor(ctx, apex)
	if err != nil {
		return err
	}
	z := e.(*editor).zone
	return z.service.call(ctx, http.MethodGet, z.path("/record"), url.Values{"fieldType": {"TXT"}, "subDomain": {z.sub(p.scope)}}, nil, nil)
}

// ProbeScope implements dns01.ScopeProber: OVHcloud says which rules a consumer
// key has.
func (p *provider) ProbeScope(ctx context.Context, apex, _ delegation.Name) (dns01.Breadth, error) {
	b := dns01.Breadth{Server: p.service.client.Server()}
	if p.service.account == nil {
		return b, fmt.Errorf("a service account does not say what it may do: %w", errors.ErrUnsupported)
	}
	if _, err := p.Editor(ctx, apex); err != nil { // for the clock
		return b, err
	}
	var credential struct{ Rules []rule }
	if err := p.service.call(ctx, http.MethodGet, "auth/currentCredential", nil, nil, &credential); err != nil {
		return b, err
	}
	for _, t := range []struct {
		reach dns01.Reach
		call  rule
	}{
		{dns01.WholeZone, rule{"POST", "/domain/zone/" + apex.Bare() + "/record"}},
		{dns01.OtherZones, rule{"POST", "/domain/zone/certctl-probe.example/record"}},
		{dns01.Account, rule{"POST", "/me/certctl-probe"}},
	} {
		trial := dns01.Trial{Reach: t.reach, Question: "is there a rule for " + t.call.Method + " " + t.call.Path, Answer: "no", Refused: true}
		for _, r := range credential.Rules {
			if r.allows(t.call) {
				trial.Accepted, trial.Refused, trial.Answer = true, false, r.Method+" "+r.Path
			}
		}
		b.Trials = append(b.Trials, trial)
	}
	return b, nil
}

// allows reports whether a rule is for a call.
func (r rule) allows(call rule) bool {
	if r.Method != call.Method {
		return false
	}
	// In a pattern of path.Match, * does not stand for a slash.
	ok, err := path.Match(strings.ReplaceAll(r.Path, "/", "\x01"), strings.ReplaceAll(call.Path, "/", "\x01"))
	return err == nil && ok
}
