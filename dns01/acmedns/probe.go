package acmedns

import (
	"context"

	"certctl/delegation"
	"certctl/dns01"
)

// ProbeScope implements dns01.ScopeProber. There is nothing to be asked: a
// registration is for the TXT records at one name (acme-dns, update endpoint), so
// that no key can be narrower.
func (p *provider) ProbeScope(context.Context, delegation.Name, delegation.Name) (dns01.Breadth, error) {
	return dns01.Breadth{Server: p.label, Trials: []dns01.Trial{{
		Reach: dns01.OtherNames, Question: "every registration: " + string(dns01.OtherNames), Refused: true, Inherent: true,
		Answer: "TXT records at one name, and nothing else",
	}}}, nil
}
