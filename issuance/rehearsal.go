package issuance

import (
	"context"
	"fmt"
	"slices"
)

// rehearse holds the rehearsal of those that the CA has issued nothing for yet,
// and leaves out what went wrong there: mistakes count against the limits of a
// CA for tests only. That such a CA is down says nothing about mistakes.
func (k *Keeper) rehearse(ctx context.Context, directory string, batch []*attempt) []*attempt {
	novices := k.novices(directory, batch)
	if len(novices) == 0 {
		return batch
	}
	var requests []Request
	for _, a := range novices {
		requests = append(requests, a.askedOf(a.left[0]))
	}
	results, err := k.Rehearsal(ctx, directory, requests)
	if err != nil {
		k.Warn("", fmt.Sprintf("no rehearsal: %v", err))
	}
	for n, r := range results {
		failed, ok := r.Err.(*StepError)
		switch {
		case !ok:
		case failed.AboutCA():
			k.Warn(r.Certificate, fmt.Sprintf("no rehearsal: %v", failed))
		default:
			k.Warn(r.Certificate, "the rehearsal has failed, so that nothing is ordered from "+host(directory))
			k.took(novices[n], r)
		}
	}
	return slices.DeleteFunc(batch, func(a *attempt) bool { return len(a.left) == 0 })
}

// novices returns the attempts with a name for which the CA has issued nothing
// that is remembered.
func (k *Keeper) novices(directory string, batch []*attempt) []*attempt {
	if k.Rehearsal == nil {
		return nil
	}
	kept, err := k.Store.Requests()
	if err != nil {
		k.Warn("", err.Error())
	}
	known := make(map[string]bool)
	for _, r := range kept {
		for _, name := range r.Names {
			known[name] = known[name] || r.Issued != nil && r.Directory == directory
		}
	}
	return slices.DeleteFunc(slices.Clone(batch), func(a *attempt) bool {
		return !slices.ContainsFunc(a.Names, func(name string) bool { return !known[name] })
	})
}
