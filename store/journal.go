package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// Entry is one validation record that is, or may be, in the DNS, and the scope
// of the credential that can remove it.
type Entry struct {
	Time        time.Time `json:"time"`
	Zone        string    `json:"zone"`
	Owner       string    `json:"owner"`
	Value       string    `json:"value"`
	TTL         int       `json:"ttl"` // seconds
	Scope       string    `json:"scope"`
	Certificate string    `json:"certificate,omitempty"` // name of the certificate it is for
}

// record is what makes two entries the same: a DNS record has no time.
type record struct{ zone, owner, value, scope string }

func (e Entry) record() record { return record{e.Zone, e.Owner, e.Value, e.Scope} }

// Journal is the list of validation records that must be removed from the DNS
// some day. Like all of the store it is for the holder of the lock. It is safe
// for concurrent use.
type Journal struct{ store *Store }

// Journal returns the store's journal.
func (s *Store) Journal() *Journal { return &Journal{s} }

// Add keeps entries: when it returns, they are on the disk. An entry for the
// same record as an older one takes its place.
func (j *Journal) Add(entries ...Entry) error {
	j.store.journal.Lock()
	defer j.store.journal.Unlock()
	text, err := j.read()
	if err != nil || len(entries) == 0 {
		return err
	}
	lines, err := encodeLines(entries)
	if err != nil {
		return err
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		lines = append([]byte("\n"), lines...) // ends the line that a crash cut short
	}
	return j.store.disk.append(j.path(), lines)
}

// Remove takes out the entries for the same records as these; none is fine.
func (j *Journal) Remove(entries ...Entry) error {
	j.store.journal.Lock()
	defer j.store.journal.Unlock()
	text, err := j.read()
	if err != nil || len(entries) == 0 {
		return err
	}
	gone := map[record]bool{}
	for _, e := range entries {
		gone[e.record()] = true
	}
	kept := slices.DeleteFunc(decodeLines(text), func(e Entry) bool { return gone[e.record()] })
	if len(kept) == 0 {
		return j.store.disk.remove(j.path())
	}
	lines, err := encodeLines(kept)
	if err != nil {
		return err
	}
	return j.store.disk.write(j.path(), lines, modeSecret)
}

// Entries returns what was added and not removed, each record once, in the
// order of the first addition.
func (j *Journal) Entries() ([]Entry, error) {
	j.store.journal.Lock()
	defer j.store.journal.Unlock()
	text, err := j.read()
	if err != nil {
		return nil, err
	}
	return decodeLines(text), nil
}

func (j *Journal) path() string { return j.store.path("journal.jsonl") }

func (j *Journal) read() ([]byte, error) {
	text, err := os.ReadFile(j.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

func encodeLines(entries []Entry) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	for _, e := range entries {
		if err := encoder.Encode(e); err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
	}
	return text.Bytes(), nil
}

func decodeLines(text []byte) []Entry {
	var entries []Entry
	index := map[record]int{}
	for line := range bytes.Lines(text) {
		var e Entry
		if json.Unmarshal(line, &e) != nil || e.Owner == "" {
			continue // cut short by a crash
		}
		if i, ok := index[e.record()]; ok {
			entries[i] = e
			continue
		}
		index[e.record()] = len(entries)
		entries = append(entries, e)
	}
	return entries
}
