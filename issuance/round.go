package issuance

import (
	"context"
	"iter"
	"slices"

	"certctl/acme"
	"certctl/delegation"
	"certctl/dns01"
)

// rounds goes through the rounds in which records are published. It is one for
// all certificates together, but for services that keep only a few values at a
// name: the names that have to share one take turns, and between rounds what is
// of no use any more makes room.
func (i *Issuer) rounds(ctx context.Context, b *batch) iter.Seq[int] {
	return func(yield func(int) bool) {
		last := b.takeTurns()
		for b.round = 0; ; b.round++ {
			for _, j := range b.alive() {
				j.turn = j.due(b.round)
				j.more = b.round < last && len(j.turn) < len(j.pending)
			}
			if !yield(b.round) || b.round == last {
				return
			}
			b.all(ctx, Removing, i.clear)
		}
	}
}

// takeTurns gives each record its round, and returns the last round.
func (b *batch) takeTurns() (last int) {
	type slot struct {
		credential *dns01.Credential
		owner      delegation.Name
	}
	seen := make(map[slot][]string)
	for _, j := range b.alive() {
		for n := range j.records {
			r := &j.records[n]
			if r.Standing { // no credential is needed
				continue
			}
			most := r.Credential.Capacity(r.Target.Owner)
			if most == 0 {
				continue
			}
			at := slot{r.Credential, r.Target.Owner}
			place := slices.Index(seen[at], r.value)
			if place < 0 {
				place = len(seen[at])
				seen[at] = append(seen[at], r.value)
			}
			r.round = place / most
			last = max(last, r.round)
		}
	}
	return last
}

// due returns the authorizations of a job that can be validated in a round.
// Those that no record proves are in the first.
func (j *job) due(round int) []*acme.Authorization {
	rounds := make(map[*acme.Authorization]int)
	for n, z := range j.recorded() {
		rounds[z] = j.records[n].round
	}
	return slices.DeleteFunc(slices.Clone(j.pending), func(z *acme.Authorization) bool { return rounds[z] != round })
}
