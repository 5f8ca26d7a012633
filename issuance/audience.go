package issuance

import (
	"context"
	"slices"
	"time"

	"certctl/delegation"
	"certctl/dns01"
)

// lastWord is how long servers have to say who has asked when all else is done.
const lastWord = 250 * time.Millisecond

// audience begins to ask the servers that values were put at who has asked for
// them since the CA was last told to look, and tells of those that know. The
// certificate does not wait for it: end ends it.
func (i *Issuer) audience(ctx context.Context, b *batch) (end func()) {
	since := b.began[Validating]
	ctx, cancel := context.WithCancel(ctx)
	told := make(chan struct{})
	published := slices.DeleteFunc(slices.Clone(b.published), func(p dns01.Publication) bool { return b.refused[update{p.Target.Zone, p.Credential.Scope}] })
	go func() {
		defer close(told)
		seen, silent := make(map[delegation.Name]bool), make(map[*dns01.Credential]bool)
		for _, p := range published {
			if seen[p.Target.Owner] || silent[p.Credential] || ctx.Err() != nil {
				continue
			}
			seen[p.Target.Owner] = true
			silent[p.Credential] = !i.hear(ctx, p.Grant, since)
		}
	}()
	return func() {
		select {
		case <-told:
		case <-time.After(lastWord):
		}
		cancel()
		<-told
	}
}

// hear asks about one owner name. It reports whether the server has an answer to
// such questions; most have not.
func (i *Issuer) hear(ctx context.Context, g dns01.Grant, since time.Time) (known bool) {
	askers, err := g.Credential.Askers(ctx, g.Target.Zone, g.Target.Owner)
	if err != nil {
		return false
	}
	e := Asked{Owner: g.Target.Owner, Servers: len(g.Target.Servers)}
	for _, a := range askers {
		if !a.Last.Before(since) {
			e.Networks = append(e.Networks, Network{Prefix: a.Network, Queries: a.Queries, Served: a.Served})
		}
	}
	i.tell(e)
	return true
}
