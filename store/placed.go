package store

import (
	"errors"
	"io/fs"
	"slices"
	"time"
)

// Placed are files that are, or may be, below the document root of a web
// server, for a CA to read.
type Placed struct {
	Time        time.Time         `json:"time"`
	Root        string            `json:"root"`
	Directories []string          `json:"directories,omitempty"` // that were not there before, the outermost first
	Files       map[string]string `json:"files"`                 // content by token
}

func (p Placed) same(q Placed) bool { return p.Root == q.Root && p.Time.Equal(q.Time) }

// AddPlaced keeps what is about to be placed: when it returns, that is on the
// disk.
func (j *Journal) AddPlaced(more ...Placed) error {
	return j.changePlaced(func(all []Placed) []Placed { return append(all, more...) })
}

// RemovePlaced takes out what is gone, by root and time; none is fine.
func (j *Journal) RemovePlaced(gone ...Placed) error {
	return j.changePlaced(func(all []Placed) []Placed {
		return slices.DeleteFunc(all, func(p Placed) bool { return slices.ContainsFunc(gone, p.same) })
	})
}

// Placed returns what was added and not removed.
func (j *Journal) Placed() ([]Placed, error) {
	j.store.journal.Lock()
	defer j.store.journal.Unlock()
	return j.loadPlaced()
}

func (j *Journal) changePlaced(change func([]Placed) []Placed) error {
	j.store.journal.Lock()
	defer j.store.journal.Unlock()
	all, err := j.loadPlaced()
	if err != nil {
		return err
	}
	all = change(all)
	if len(all) == 0 {
		return j.store.disk.remove(j.placedPath())
	}
	return j.store.saveJSON(j.placedPath(), placedFile{version, all})
}

// placedFile is what is on the disk.
type placedFile struct {
	Version int      `json:"version"`
	Placed  []Placed `json:"placed"`
}

func (j *Journal) loadPlaced() ([]Placed, error) {
	var f placedFile
	if err := loadJSON(j.placedPath(), &f); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return f.Placed, nil
}

func (j *Journal) placedPath() string { return j.store.path("placed.json") }
