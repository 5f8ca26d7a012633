package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"testing"
	"time"
)

func entry(value string) Entry {
	return Entry{Zone: "auth.example.net.", Owner: "x.auth.example.net.", Value: value, TTL: 60, Scope: "auth.example.net.", Certificate: "web"}
}

func values(t *testing.T, j *Journal) []string {
	t.Helper()
	entries, err := j.Entries()
	must(t, err)
	list := []string{}
	for _, e := range entries {
		list = append(list, e.Value)
	}
	return list
}

func TestJournal(t *testing.T) {
	s := open(t, t.TempDir())
	j := s.Journal()
	check := func(want ...string) {
		t.Helper()
		if got := values(t, j); !reflect.DeepEqual(got, append([]string{}, want...)) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	check()
	must(t, j.Remove(entry("none")))
	must(t, j.Add(entry("a"), entry("b")))
	must(t, j.Add(entry("c"), entry("a")))
	check("a", "b", "c")
	other := entry("a")
	other.Scope = "example.net."
	must(t, j.Add(other))
	must(t, j.Remove(entry("a"), entry("none")))
	check("b", "c", "a")
	must(t, j.Add(entry("a")))
	check("b", "c", "a", "a")
	must(t, j.Remove(entry("b"), entry("c"), entry("a"), other))
	check()
	if _, err := os.Stat(j.path()); !os.IsNotExist(err) {
		t.Errorf("got %v, want no file for an empty journal", err)
	}
}

func TestJournalKeepsEverything(t *testing.T) {
	s := open(t, t.TempDir())
	want := Entry{Zone: "a.", Owner: "\"\n\x7f☃.a.", Value: "<v>", TTL: 60, Scope: "a.", Certificate: "web"}
	must(t, s.Journal().Add(want))
	if got, err := s.Journal().Entries(); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

// TestJournalCutShort cuts the journal at every byte, as a crash may: what was
// written whole counts, and the journal can be added to.
func TestJournalCutShort(t *testing.T) {
	s := open(t, t.TempDir())
	j := s.Journal()
	must(t, j.Add(entry("a"), entry("b")))
	text, err := os.ReadFile(j.path())
	must(t, err)
	lineLength := len(text) / 2
	for n := range len(text) + 1 {
		must(t, os.WriteFile(j.path(), text[:n], 0o600))
		want := []string{"a", "b"}[:(n+1)/lineLength] // the final newline may be missing
		if got := values(t, j); !reflect.DeepEqual(got, want) {
			t.Fatalf("cut at %d: got %q, want %q", n, got, want)
		}
		must(t, j.Add(entry("c")))
		if got := values(t, j); !reflect.DeepEqual(got, append(want[:len(want):len(want)], "c")) {
			t.Fatalf("cut at %d: got %q, want %q and c", n, got, want)
		}
	}
}

// TestJournalDamaged fills a line with what a power failure may leave.
func TestJournalDamaged(t *testing.T) {
	s := open(t, t.TempDir())
	j := s.Journal()
	must(t, j.Add(entry("a")))
	f, err := os.OpenFile(j.path(), os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	_, err = f.Write(append(make([]byte, 100), "\n{}\nnull\n[1]\n"...))
	must(t, err)
	must(t, f.Close())
	must(t, j.Add(entry("b")))
	if got := values(t, j); !reflect.DeepEqual(got, []string{"a", "b"}) {
		t.Errorf("got %q, want a and b", got)
	}
}

// TestJournalTogether adds and removes from several goroutines.
func TestJournalTogether(t *testing.T) {
	s := open(t, t.TempDir())
	const n = 8
	errs := make(chan error)
	for i := range n {
		go func() {
			j := s.Journal()
			mine, kept := entry(fmt.Sprint(i)), entry(fmt.Sprint("kept ", i))
			if err := j.Add(mine, kept); err != nil {
				errs <- err
				return
			}
			errs <- j.Remove(mine)
		}()
	}
	for range n {
		must(t, <-errs)
	}
	if got := values(t, s.Journal()); len(got) != n {
		t.Errorf("got %q, want %d entries", got, n)
	}
}

func BenchmarkJournalAdd100(b *testing.B) {
	s, err := Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	entries := make([]Entry, 100)
	for i := range entries {
		entries[i] = entry(fmt.Sprint(i))
	}
	for b.Loop() {
		if err := s.Journal().Add(entries...); err != nil {
			b.Fatal(err)
		}
		if err := s.Journal().Remove(entries...); err != nil {
			b.Fatal(err)
		}
	}
}

// What is below a document root is struck from the journal by root and time: what
// another run has placed there, or this one elsewhere, stays.
func TestPlaced(t *testing.T) {
	s := open(t, t.TempDir())
	now := time.Unix(1700000000, 0).UTC()
	first := Placed{Time: now, Root: "/srv/a", Directories: []string{".well-known"}, Files: map[string]string{"token": "text"}}
	later := Placed{Time: now.Add(time.Second), Root: "/srv/a", Files: map[string]string{"other": "text"}}
	elsewhere := Placed{Time: now, Root: "/srv/b", Files: map[string]string{"token": "text"}}
	must(t, s.Journal().AddPlaced(first))
	must(t, s.Journal().AddPlaced(later, elsewhere))
	must(t, s.Journal().RemovePlaced(first))
	if left, err := open(t, s.Dir).Journal().Placed(); err != nil || !reflect.DeepEqual(left, []Placed{later, elsewhere}) {
		t.Errorf("got %v, %v, want %v and %v", left, err, later, elsewhere)
	}
	must(t, s.Journal().RemovePlaced(later, elsewhere))
	if left, err := s.Journal().Placed(); err != nil || len(left) > 0 {
		t.Errorf("got %v, %v, want none", left, err)
	}
	if _, err := os.Stat(s.path("placed.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that there is no file", err)
	}
}
