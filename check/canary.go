package check

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/dns01"
)

// removalTime is how long the removal of the canaries may take, also after the
// check was interrupted.
const removalTime = time.Minute

// releaseCanary writes a record at every owner, as an order would, waits until
// every server has it, and removes it again.
func (r *run) releaseCanary(ctx context.Context) {
	ps := r.canaries()
	if r.Journal == nil || len(ps) == 0 || ctx.Err() != nil {
		return
	}
	var left []dns01.Removal
	for _, p := range ps {
		left = append(left, p.Removal())
	}
	if err := r.Journal.Add(left); err != nil {
		r.findings.failed(ps, err)
		return
	}
	defer r.recall(ctx, ps)
	seen, err := r.fly(ctx, ps)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		r.findings.failed(ps, err)
		return
	}
	for _, p := range ps {
		r.findings.arrived(p, seen[p.Target.Owner])
	}
}

// fly publishes the canaries, and returns what the servers had in the end.
func (r *run) fly(ctx context.Context, ps []dns01.Publication) (map[delegation.Name][]dns01.Observation, error) {
	if err := dns01.Publish(ctx, ps); err != nil {
		return nil, err
	}
	seen := map[delegation.Name][]dns01.Observation{}
	err := dns01.Wait(ctx, r.Client, ps, func(o dns01.Observation) {
		if o.Done || o.Failed {
			seen[o.Owner] = append(seen[o.Owner], o)
		}
	})
	return seen, err
}

// canaries returns one publication for each owner, with a value as long as a
// CA's.
func (r *run) canaries() []dns01.Publication {
	var ps []dns01.Publication
	for _, p := range r.located() {
		if p.grant == nil || slices.ContainsFunc(ps, func(q dns01.Publication) bool { return q.Target.Owner == p.owner() }) {
			continue
		}
		value := make([]byte, 32)
		rand.Read(value)
		ps = append(ps, dns01.Publication{Grant: *p.grant, Value: base64.RawURLEncoding.EncodeToString(value)})
	}
	return ps
}

// recall removes what was written. What cannot be removed stays in the journal.
func (r *run) recall(ctx context.Context, ps []dns01.Publication) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removalTime)
	defer cancel()
	gone, err := dns01.Remove(ctx, ps)
	if err = errors.Join(err, r.Journal.Remove(gone)); err != nil {
		r.findings.add("canary-left", ps[0].Target.Zone.Bare(), err.Error(), "certctl cleanup removes what was left, once the servers take it")
	}
}

// failed says that the canaries were not seen everywhere.
func (fs *findings) failed(ps []dns01.Publication, err error) {
	fs.add("canary-failed", ps[0].Target.Zone.Bare(), err.Error(), hint(err))
}

// arrived says how long the record took to each server.
func (fs *findings) arrived(p dns01.Publication, seen []dns01.Observation) {
	var evidence []Evidence
	var last time.Duration
	for _, o := range seen {
		evidence = append(evidence, Evidence{at(o.Server.Name, o.Server.Addrs[0]), "TXT " + o.Owner.Bare(), fmt.Sprintf("%s after %v", o.Answer, o.Elapsed.Round(100*time.Microsecond))})
		last = max(last, o.Elapsed)
	}
	slices.SortFunc(evidence, func(a, b Evidence) int { return strings.Compare(a.Server, b.Server) })
	fs.add("canary", p.Target.Zone.Bare(), fmt.Sprintf("a record at %s was at every server after %v, and is removed again", p.Target.Owner.Bare(), last.Round(100*time.Microsecond)), "", evidence...)
}
