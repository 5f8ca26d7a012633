package standalone

import (
	"context"

	"certctl/delegation"
	"certctl/dns01"
)

// Ping implements dns01.Pinger: it finds out whether the zone is being served.
func (p *provider) Ping(context.Context, delegation.Name, []delegation.Name) error {
	p.pool.mu.Lock()
	defer p.pool.mu.Unlock()
	if p.pool.values == nil && p.pool.failed == nil {
		return errNotServing
	}
	return p.pool.failed
}

// ProbeScope implements dns01.ScopeProber. There is nothing to be asked: the zone
// is in this process, and there is no key that anybody else could use.
func (p *provider) ProbeScope(context.Context, delegation.Name, delegation.Name) (dns01.Breadth, error) {
	return dns01.Breadth{Server: p.label, Trials: []dns01.Trial{{
		Reach: dns01.OtherNames, Question: "who may write", Refused: true, Inherent: true,
		Answer: "this process, which serves the zone; there is no key",
	}}}, nil
}
