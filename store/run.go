package store

import (
	"errors"
	"io/fs"
	"time"
)

// Run is what is remembered of the last run of renew.
type Run struct {
	Version int       `json:"version"` // set by SaveRun
	Began   time.Time `json:"began"`
}

// SaveRun remembers a run, in the place of the one before.
func (s *Store) SaveRun(r Run) error {
	r.Version = version
	return s.saveJSON(s.path("run.json"), r)
}

// LoadRun returns the run before; the zero Run where there was none.
func (s *Store) LoadRun() (Run, error) {
	var r Run
	err := loadJSON(s.path("run.json"), &r)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return r, err
}
