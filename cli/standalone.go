package cli

import (
	"errors"
	"maps"
	"slices"

	"github.com/urfave/cli/v2"

	"certctl/delegation"
	"certctl/issuance"
	"certctl/nameserver/witness"
)

// answering answers for the zones that this run serves itself, if there are any,
// while do runs. That it cannot matters only to names in these zones: where all
// goes well without, it is a warning.
func (r *run) answering(c *cli.Context, do func() error) error {
	stop, failed := r.standalone.Start(c.Context)
	defer stop()
	err := do()
	switch {
	case failed != nil && err != nil:
		return errors.Join(failed, err)
	case failed != nil:
		r.process.warn(c, failed.Error())
	}
	return err
}

// audience follows an order to tell who has asked for the values that this run
// serves itself, while the CA was validating.
type audience struct {
	run    *run
	owners map[delegation.Name]bool
}

// follow returns what is to be told after an event.
func (a *audience) follow(e issuance.Event) []issuance.Event {
	w := &a.run.standalone.Witness
	switch e := e.(type) {
	case issuance.Located:
		if a.run.standalone.Serves(e.Target.Zone) {
			a.owners[e.Target.Owner] = true
		}
	case issuance.Began:
		if e.Step == issuance.Validating {
			w.Reset()
		}
	case issuance.Ended:
		if e.Step == issuance.Validating {
			return a.asked(w)
		}
	}
	return nil
}

func (a *audience) asked(w *witness.Witness) []issuance.Event {
	var events []issuance.Event
	for _, owner := range slices.Sorted(maps.Keys(a.owners)) {
		askers := w.Asked(owner)
		asked := issuance.Asked{Owner: owner, Text: witness.Summary(askers)}
		for _, asker := range askers {
			asked.Networks = append(asked.Networks, issuance.Network{Prefix: asker.Network, Queries: asker.Queries, Served: asker.Served()})
		}
		events = append(events, asked)
	}
	a.owners = make(map[delegation.Name]bool)
	return events
}
