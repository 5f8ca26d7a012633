package records_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/records"
)

// shelf is a service whose listings are wrong at first.
type shelf struct {
	listings [][]records.Entry // the last one stays
	pages    int
	listed   []delegation.Name
	added    int
	removed  []string
	errs     []error // of Change
}

func (s *shelf) List(_ context.Context, owner delegation.Name) ([]records.Entry, int, error) {
	s.listed = append(s.listed, owner)
	entries := s.listings[0]
	if len(s.listings) > 1 {
		s.listings = s.listings[1:]
	}
	return slices.Clone(entries), s.pages, nil
}

func (s *shelf) Change(_ context.Context, add []dns01.Record, remove []records.Entry) error {
	if len(s.errs) > 0 {
		err := s.errs[0]
		s.errs = s.errs[1:]
		return err
	}
	s.added += len(add)
	for _, e := range remove {
		s.removed = append(s.removed, e.ID)
	}
	return nil
}

func wanted(owners ...delegation.Name) []dns01.Record {
	var rs []dns01.Record
	for _, o := range owners {
		rs = append(rs, dns01.Record{Owner: o, Value: "v"})
	}
	return rs
}

// A record that has slipped through between two pages is found later.
func TestPages(t *testing.T) {
	mine := records.Entry{ID: "1", Owner: "a.", Value: "v"}
	other := records.Entry{ID: "2", Owner: "a.", Value: "w"}
	for _, test := range []struct {
		pages    int
		listings [][]records.Entry
		looks    int
		removed  []string
	}{
		{2, [][]records.Entry{{other}, {other, mine}}, 2, []string{"1"}},
		{2, [][]records.Entry{{other}}, 2, nil},
		{1, [][]records.Entry{{other}, {other, mine}}, 1, nil},
	} {
		s := &shelf{listings: test.listings, pages: test.pages}
		e := &records.Editor{Service: s}
		if err := e.Remove(t.Context(), wanted("a.")); err != nil || len(s.listed) != test.looks || !slices.Equal(s.removed, test.removed) {
			t.Errorf("%d pages: got %v after %d looks, removed %q; want %d and %q", test.pages, err, len(s.listed), s.removed, test.looks, test.removed)
		}
	}
}

// A value that is there twice, by whatever accident, is removed twice.
func TestTwice(t *testing.T) {
	s := &shelf{listings: [][]records.Entry{{{ID: "1", Owner: "a.", Value: "v"}, {ID: "2", Owner: "a.", Value: "v"}, {ID: "3", Owner: "b.", Value: "v"}}}}
	if err := (&records.Editor{Service: s}).Remove(t.Context(), wanted("a.")); err != nil || !slices.Equal(s.removed, []string{"1", "2"}) {
		t.Errorf("got %v, removed %q", err, s.removed)
	}
	if err := (&records.Editor{Service: s}).Add(t.Context(), append(wanted("c.", "c."), wanted("a.")...)); err != nil || s.added != 1 {
		t.Errorf("got %v, added %d, want 1", err, s.added)
	}
}

// Who is in the way is waited for; other errors are not repeated.
func TestChanged(t *testing.T) {
	broken := errors.New("disk full")
	for _, test := range []struct {
		errs []error
		want error
		left int
	}{
		{[]error{records.ErrChanged, records.ErrChanged}, nil, 0},
		{[]error{broken, broken}, broken, 1},
		{slices.Repeat([]error{records.ErrChanged}, 40), records.ErrChanged, 10},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &shelf{listings: [][]records.Entry{nil}, errs: test.errs}
			err := (&records.Editor{Service: s}).Add(t.Context(), wanted("a."))
			if !errors.Is(err, test.want) || len(s.errs) != test.left {
				t.Errorf("got %v with %d left, want %v with %d", err, len(s.errs), test.want, test.left)
			}
		})
	}
}

// More than a few owners are looked for in one listing.
func TestListing(t *testing.T) {
	s := &shelf{listings: [][]records.Entry{nil}}
	e := &records.Editor{Service: s}
	if err := errors.Join(e.Add(t.Context(), wanted("a.", "b.")), e.Add(t.Context(), wanted("a.", "b.", "c."))); err != nil {
		t.Fatal(err)
	}
	if want := []delegation.Name{"a.", "b.", ""}; !slices.Equal(s.listed, want) {
		t.Errorf("got %q, want %q", s.listed, want)
	}
}
