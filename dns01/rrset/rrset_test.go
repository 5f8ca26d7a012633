package rrset_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/rrset"
)

// shelf is a service that compares or does not.
type shelf struct {
	mu            sync.Mutex
	blind         bool
	sets          map[delegation.Name]rrset.Set
	reads, writes int
	between       func() // called once, before something is written
	err           error
}

func (s *shelf) Read(_ context.Context, owner delegation.Name) (rrset.Set, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	set := s.sets[owner]
	set.Owner = owner
	return set, nil
}

func (s *shelf) Replace(_ context.Context, changes []rrset.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writes++; s.between != nil {
		s.between()
		s.between = nil
	}
	for _, c := range changes {
		if !s.blind && !slices.Equal(s.sets[c.Old.Owner].Data, c.Old.Data) {
			return fmt.Errorf("wrong: %w", rrset.ErrChanged)
		}
	}
	for _, c := range changes {
		s.sets[c.New.Owner] = c.New
	}
	return s.err
}

func records(owner delegation.Name, values ...string) []dns01.Record {
	var rs []dns01.Record
	for _, v := range values {
		rs = append(rs, dns01.Record{Owner: owner, Value: v, TTL: time.Minute})
	}
	return rs
}

func begin(blind bool) (*shelf, *rrset.Editor) {
	s := &shelf{blind: blind, sets: make(map[delegation.Name]rrset.Set)}
	return s, &rrset.Editor{Service: s, Blind: blind, Most: 3}
}

// What is new is written without a look, what is known is removed without one.
func TestGuess(t *testing.T) {
	s, e := begin(false)
	all := append(records("a.", "1", "2"), records("b.", "1")...)
	if err := e.Add(t.Context(), all); err != nil || s.reads != 0 || s.writes != 1 {
		t.Fatalf("add: got %v with %d reads and %d writes, want 0 and 1", err, s.reads, s.writes)
	}
	if err := e.Remove(t.Context(), all); err != nil || s.reads != 0 || s.writes != 2 || len(s.sets["a."].Data) > 0 {
		t.Fatalf("remove: got %v with %d reads and %d writes, want 0 and 2, and nothing left", err, s.reads, s.writes)
	}
	if err := e.Remove(t.Context(), all); err != nil || s.reads != 2 || s.writes != 2 {
		t.Errorf("once more: got %v with %d reads and %d writes, want 2 reads", err, s.reads, s.writes)
	}
}

// A wrong guess keeps what others have, and their TTL.
func TestWrongGuess(t *testing.T) {
	s, e := begin(false)
	s.sets["a."] = rrset.Set{Owner: "a.", TTL: time.Hour, Data: []string{"theirs"}}
	s.between = func() {}
	if err := e.Add(t.Context(), records("a.", "mine")); err != nil {
		t.Fatal(err)
	}
	if got := s.sets["a."]; !slices.Equal(got.Data, []string{"theirs", "mine"}) || got.TTL != time.Hour {
		t.Errorf("got %v, want theirs and mine for an hour", got)
	}
	s.between = func() { s.sets["a."] = rrset.Set{Owner: "a.", Data: []string{"mine", "later"}} }
	if err := e.Remove(t.Context(), records("a.", "mine")); err != nil || !slices.Equal(s.sets["a."].Data, []string{"later"}) {
		t.Errorf("got %v and %v, want what came later", err, s.sets["a."].Data)
	}
}

// Who writes blindly looks before and after, and writes again what was lost.
func TestBlind(t *testing.T) {
	s, e := begin(true)
	s.sets["a."] = rrset.Set{Owner: "a.", Data: []string{"theirs"}}
	if err := e.Add(t.Context(), records("a.", "1")); err != nil || s.reads != 2 || s.writes != 1 {
		t.Fatalf("got %v with %d reads and %d writes, want 2 and 1", err, s.reads, s.writes)
	}
	lost := &loser{shelf: s}
	e.Service = lost
	if err := e.Add(t.Context(), records("a.", "2")); err != nil || !slices.Equal(s.sets["a."].Data, []string{"theirs", "1", "2"}) || lost.lost != 2 {
		t.Errorf("got %v and %v, want all three", err, s.sets["a."].Data)
	}
}

// loser forgets the first two writes.
type loser struct {
	*shelf
	lost int
}

func (l *loser) Replace(ctx context.Context, changes []rrset.Change) error {
	if l.lost < 2 {
		l.lost++
		return nil
	}
	return l.shelf.Replace(ctx, changes)
}

// After an error nothing is believed any more; it is not repeated.
func TestError(t *testing.T) {
	s, e := begin(false)
	s.err = errors.New("disk full")
	if err := e.Add(t.Context(), records("a.", "1")); !errors.Is(err, s.err) || s.writes != 1 {
		t.Fatalf("got %v after %d writes, want %v after 1", err, s.writes, s.err)
	}
	s.err = nil
	if err := e.Add(t.Context(), records("a.", "1")); err != nil || len(s.sets["a."].Data) != 1 {
		t.Errorf("got %v and %v, want one value", err, s.sets["a."].Data)
	}
}

// Owners stay together, and no call has more records than fit.
func TestParts(t *testing.T) {
	s, e := begin(false)
	var all []dns01.Record
	for i := range 7 {
		all = append(all, records(delegation.Name(fmt.Sprint(i, ".")), "1")...)
	}
	all = append(all, records("many.", "1", "2", "3", "4", "5")...)
	if err := e.Add(t.Context(), all); err != nil || s.writes != 4 || len(s.sets["many."].Data) != 5 {
		t.Errorf("got %v after %d writes and %v, want 4 writes", err, s.writes, s.sets["many."].Data)
	}
}
