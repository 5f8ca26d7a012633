// Package rrset adds and removes single values at services that know whole
// record sets only (RFC 2181 §5): it reads a set, changes it and writes it back,
// and begins anew where somebody else was faster.
//
// Where the service compares what it has with what we believe it to have, we
// begin with a guess: nobody else is at a new owner, and nothing has changed
// since we wrote. So a hundred names are one request, and a wrong guess is found
// out. Where it does not compare, a set is read just before it is written, and
// again a while after, for as long as what somebody else had read before may take
// to be written over ours; what was lost is written again. Only one of our own
// writers is at work at a time. A program that does not look again may still
// lose a value to us in that moment: others' values are not written again for
// them, because one that is gone may have been removed on purpose, and would stay
// for ever.
package rrset

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/guard"
)

// Set is the TXT record set at an owner. Without data there is none.
type Set struct {
	Owner delegation.Name
	TTL   time.Duration
	Data  []string // as the service writes values
	Tag   string   // by which the service tells versions apart, if it does
}

// Change is the step from one set to another at the same owner.
type Change struct{ Old, New Set }

// Service reads and replaces the record sets of one zone.
type Service interface {
	// Read returns the set at an owner; one without data if there is none.
	Read(ctx context.Context, owner delegation.Name) (Set, error)

	// Replace makes all changes or none. It writes the new tags into them. Its
	// error is ErrChanged if one of the old sets is not what is there.
	Replace(ctx context.Context, changes []Change) error
}

// ManyReader is a Service that reads several sets at once.
type ManyReader interface {
	// ReadMany returns the sets that there are at these owners, in any order, and
	// maybe more.
	ReadMany(ctx context.Context, owners []delegation.Name) ([]Set, error)
}

// ErrChanged says that a record set is not what it was believed to be.
var ErrChanged = errors.New("somebody else has changed the record set in the meantime")

// Editor edits the record sets of one zone. It is used through a pointer.
type Editor struct {
	Service Service
	Quote   func(value string) string         // nil: values are written as they are
	Unquote func(data string) (string, error) // nil: and read
	Blind   bool                              // Replace compares nothing and overwrites
	Check   func(value string) error          // refuses values that the service does not take; nil: it takes all
	Most    int                               // records in one call of Replace; owners are not torn apart
	Wide    int                               // calls of Replace at a time; 0: one

	once sync.Once
	turn guard.Turn // to edit

	mu    sync.Mutex
	known map[delegation.Name]Set // as we wrote them last
}

// Add adds the values of records to the sets at their owners.
func (e *Editor) Add(ctx context.Context, records []dns01.Record) error {
	for _, r := range records {
		if e.Check == nil {
			break
		}
		if err := e.Check(r.Value); err != nil {
			return fmt.Errorf("%s: %w", r.Owner, err)
		}
	}
	return e.edit(ctx, records, e.with)
}

// Remove removes the values of records from the sets at their owners.
func (e *Editor) Remove(ctx context.Context, records []dns01.Record) error {
	return e.edit(ctx, records, e.without)
}

// Look reads what is at an owner, to see whether the service lets us.
func (e *Editor) Look(ctx context.Context, owner delegation.Name) error {
	_, err := e.Service.Read(ctx, owner)
	return err
}

// step returns a set changed for the records at its owner.
type step func(old Set, records []dns01.Record) Set

func (e *Editor) edit(ctx context.Context, records []dns01.Record, next step) error {
	e.once.Do(func() { e.turn, e.known = guard.NewTurn(), make(map[delegation.Name]Set) })
	if err := e.turn.Take(ctx); err != nil {
		return err
	}
	defer e.turn.Give()
	var g errgroup.Group
	g.SetLimit(max(e.Wide, 1))
	for _, part := range e.parts(records) {
		g.Go(func() error { return e.settle(ctx, part, next) })
	}
	return g.Wait()
}

// parts divides records into what goes into one call: by owner, and as many
// owners as fit.
func (e *Editor) parts(records []dns01.Record) [][][]dns01.Record {
	var owners [][]dns01.Record
	at := make(map[delegation.Name]int)
	for _, r := range records {
		i, known := at[r.Owner]
		if !known {
			i, owners = len(owners), append(owners, nil)
			at[r.Owner] = i
		}
		owners[i] = append(owners[i], r)
	}
	var parts [][][]dns01.Record
	room := 0
	for _, o := range owners {
		if room -= len(o); room < 0 {
			parts, room = append(parts, nil), e.Most-len(o)
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], o)
	}
	return parts
}

// tries is how often somebody else may be faster.
const tries = 30

// settle changes the sets at some owners.
func (e *Editor) settle(ctx context.Context, owners [][]dns01.Record, next step) error {
	for try := range tries {
		began := time.Now()
		changes, err := e.plan(ctx, owners, next, e.Blind || try > 0)
		if err != nil || len(changes) == 0 {
			return err
		}
		err = e.Service.Replace(ctx, changes)
		e.remember(changes, err)
		switch {
		case err == nil && !e.Blind:
			return nil
		case err != nil && !errors.Is(err, ErrChanged):
			return err
		}
		if err := e.pause(ctx, try, time.Since(began)); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w, %d times in a row", ErrChanged, tries)
}

// A blind writer looks again after so long at least and at most. The first is for
// programs on this host, which the system may halt between reading and writing.
const (
	shortestLook = 50 * time.Millisecond
	longestLook  = 2 * time.Second
)

// pause lets others go first after a while. A blind writer looks again when
// others who had read before it wrote have written too, which takes them as long
// as it took us.
func (e *Editor) pause(ctx context.Context, try int, took time.Duration) error {
	pause := rand.N(min(time.Second, 5*time.Millisecond<<try))
	if e.Blind {
		pause += max(min(2*took, longestLook), shortestLook)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// plan returns the changes that are needed, by what is believed or by what is
// there.
func (e *Editor) plan(ctx context.Context, owners [][]dns01.Record, next step, look bool) ([]Change, error) {
	sets := make(map[delegation.Name]Set)
	var unknown []delegation.Name
	for _, records := range owners {
		owner := records[0].Owner
		sets[owner] = e.believed(owner)
		if look || same(sets[owner], next(sets[owner], records)) { // that nothing is to be done is not to be guessed
			unknown = append(unknown, owner)
		}
	}
	if err := e.read(ctx, unknown, sets); err != nil {
		return nil, err
	}
	var changes []Change
	for _, records := range owners {
		old := sets[records[0].Owner]
		if after := next(old, records); !same(old, after) {
			changes = append(changes, Change{old, after})
		}
	}
	return changes, nil
}

// read reads the sets at some owners.
func (e *Editor) read(ctx context.Context, owners []delegation.Name, into map[delegation.Name]Set) error {
	many, ok := e.Service.(ManyReader)
	if ok && len(owners) > 1 {
		sets, err := many.ReadMany(ctx, owners)
		for _, o := range owners {
			into[o] = Set{Owner: o}
		}
		for _, s := range sets {
			into[s.Owner] = s
		}
		return err
	}
	for _, o := range owners {
		var err error
		if into[o], err = e.Service.Read(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

func same(a, b Set) bool { return slices.Equal(a.Data, b.Data) }

func (e *Editor) believed(owner delegation.Name) Set {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s, ok := e.known[owner]; ok {
		return s
	}
	return Set{Owner: owner}
}

// remember notes what there is now, or that nobody knows.
func (e *Editor) remember(changes []Change, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range changes {
		if delete(e.known, c.New.Owner); err == nil {
			e.known[c.New.Owner] = c.New
		}
	}
}

func (e *Editor) with(old Set, records []dns01.Record) Set {
	after := old
	after.Data = slices.Clone(old.Data)
	for _, r := range records {
		if len(after.Data) == 0 {
			after.TTL = r.TTL
		}
		if e.find(after.Data, r.Value) < 0 {
			after.Data = append(after.Data, e.quote(r.Value))
		}
	}
	return after
}

func (e *Editor) without(old Set, records []dns01.Record) Set {
	after := old
	after.Data = slices.Clone(old.Data)
	for _, r := range records {
		if i := e.find(after.Data, r.Value); i >= 0 {
			after.Data = slices.Delete(after.Data, i, i+1)
		}
	}
	return after
}

// find returns the index of a value, or -1.
func (e *Editor) find(data []string, value string) int {
	return slices.IndexFunc(data, func(d string) bool {
		if e.Unquote == nil {
			return d == value
		}
		have, err := e.Unquote(d)
		return err == nil && have == value
	})
}

func (e *Editor) quote(value string) string {
	if e.Quote == nil {
		return value
	}
	return e.Quote(value)
}
