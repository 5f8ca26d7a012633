// Package records adds and removes values at services that keep TXT records one
// by one, each with an id. Nobody's values are in the way of anybody else's
// there; but the same value twice may be two records, so what is there is looked
// at first, and all records that have a value are removed with it.
package records

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"certctl/delegation"
	"certctl/dns01"
)

// Entry is a TXT record at a service.
type Entry struct {
	ID    string
	Owner delegation.Name
	Value string
}

// Service reads and writes the TXT records of one zone.
type Service interface {
	// List returns the TXT records at an owner, or all of the zone if owner is
	// "", and how many pages they were on. It may return more than those asked for.
	List(ctx context.Context, owner delegation.Name) (entries []Entry, pages int, err error)

	// Change adds and removes records. Its error is ErrChanged where a record that
	// is to be added is there already, or one to be removed is gone, or somebody
	// else is in the way.
	Change(ctx context.Context, add []dns01.Record, remove []Entry) error
}

// ErrChanged says that the records are not what they were a moment ago.
var ErrChanged = errors.New("somebody else changes these records at the same time")

// Editor edits the records of one zone.
type Editor struct{ Service Service }

// tries is how often somebody else may be in the way.
const tries = 30

// Add adds the values that are not there.
func (e *Editor) Add(ctx context.Context, records []dns01.Record) error {
	return retry(ctx, func() error { return e.add(ctx, records) })
}

// Remove removes every record that has one of the values.
func (e *Editor) Remove(ctx context.Context, records []dns01.Record) error {
	return retry(ctx, func() error { return e.remove(ctx, records) })
}

// Look reads what is at an owner, to see whether the service lets us.
func (e *Editor) Look(ctx context.Context, owner delegation.Name) error {
	_, _, err := e.Service.List(ctx, owner)
	return err
}

// retry does something until nobody is in the way.
func retry(ctx context.Context, do func() error) error {
	for try := range tries {
		if err := do(); !errors.Is(err, ErrChanged) {
			return err
		}
		timer := time.NewTimer(rand.N(min(time.Second, 5*time.Millisecond<<try)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
	return fmt.Errorf("%w, %d times in a row", ErrChanged, tries)
}

// few is how many owners are asked about one by one: more are looked for among
// all records of the zone.
const few = 2

func (e *Editor) add(ctx context.Context, records []dns01.Record) error {
	there, _, err := e.look(ctx, records)
	if err != nil {
		return err
	}
	var missing []dns01.Record
	for _, r := range records {
		if !slices.ContainsFunc(there, has(r)) && !slices.ContainsFunc(missing, twin(r)) {
			missing = append(missing, r)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return e.Service.Change(ctx, missing, nil)
}

func (e *Editor) remove(ctx context.Context, records []dns01.Record) error {
	there, err := e.lookAgain(ctx, records)
	if err != nil {
		return err
	}
	unwanted := slices.DeleteFunc(there, func(entry Entry) bool {
		return !slices.ContainsFunc(records, func(r dns01.Record) bool { return has(r)(entry) })
	})
	if len(unwanted) == 0 {
		return nil
	}
	return e.Service.Change(ctx, nil, unwanted)
}

func has(r dns01.Record) func(Entry) bool {
	return func(e Entry) bool { return e.Owner == r.Owner && e.Value == r.Value }
}

func twin(r dns01.Record) func(dns01.Record) bool {
	return func(o dns01.Record) bool { return o.Owner == r.Owner && o.Value == r.Value }
}

// lookAgain looks until everything is found, or nothing moves any more: a record
// slips from one page to the one before, which has been read, when others are
// removed.
func (e *Editor) lookAgain(ctx context.Context, records []dns01.Record) ([]Entry, error) {
	var before []Entry
	for range tries {
		there, whole, err := e.look(ctx, records)
		if err != nil || whole || slices.Equal(there, before) {
			return there, err
		}
		missing := slices.ContainsFunc(records, func(r dns01.Record) bool { return !slices.ContainsFunc(there, has(r)) })
		if !missing {
			return there, nil
		}
		before = there
	}
	return before, ErrChanged
}

// look returns at least what is at the owners of some records, and whether that
// is how it was at one moment.
func (e *Editor) look(ctx context.Context, records []dns01.Record) (all []Entry, whole bool, err error) {
	var owners []delegation.Name
	for _, r := range records {
		if !slices.Contains(owners, r.Owner) {
			owners = append(owners, r.Owner)
		}
	}
	if len(owners) > few {
		owners = []delegation.Name{""}
	}
	whole = true
	for _, o := range owners {
		entries, pages, err := e.Service.List(ctx, o)
		if err != nil {
			return nil, false, err
		}
		all, whole = append(all, entries...), whole && pages <= 1
	}
	return all, whole, nil
}

// OneByOne is Change for a service that takes one record a request, so many
// requests at a time.
func OneByOne(wide int, add []dns01.Record, remove []Entry, create func(dns01.Record) error, drop func(Entry) error) error {
	var g errgroup.Group
	g.SetLimit(wide)
	for _, r := range add {
		g.Go(func() error { return create(r) })
	}
	for _, e := range remove {
		g.Go(func() error { return drop(e) })
	}
	return g.Wait()
}
