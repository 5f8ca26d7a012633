package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// Store is a state directory.
type Store struct {
	// Dir is the directory's path.
	Dir string
	// Command is shown to other processes that wait for the lock: the name of
	// the command that is running. It may be empty.
	Command string

	disk    disk
	journal sync.Mutex
}

// Open returns the store in dir, which is made if it does not exist.
func Open(dir string) (*Store, error) {
	s := &Store{Dir: dir}
	err := s.disk.mkdir(dir)
	if info, missing := os.Stat(dir); err == nil && missing == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, &DirError{dir, err}
	}
	return s, nil
}

// DirError says why a state directory cannot be used.
type DirError struct {
	Dir string
	Err error
}

func (e *DirError) Error() string {
	if path, ok := errors.AsType[*fs.PathError](e.Err); ok && (path.Path == e.Dir || filepath.Dir(path.Path) == e.Dir) {
		return fmt.Sprintf("state directory %s: %v", e.Dir, path.Err)
	}
	return fmt.Sprintf("state directory %s: %v", e.Dir, e.Err)
}

func (e *DirError) Unwrap() error { return e.Err }

// Hint says who has to be allowed what.
func (e *DirError) Hint() string {
	const other = "`state: DIR` in the configuration, or $CERTCTL_STATE, names another"
	switch {
	case errors.Is(e.Err, syscall.EROFS):
		return "it is on a file system that is read-only (under systemd the service needs ReadWritePaths=" + e.Dir + "); " + other
	case errors.Is(e.Err, fs.ErrPermission):
		return "it has to belong to the user that certctl runs as; " + other
	}
	return other
}

// At returns the store in a directory that need not be there, for who only reads.
func At(dir string) *Store { return &Store{Dir: dir} }

func (s *Store) path(elements ...string) string {
	return filepath.Join(append([]string{s.Dir}, elements...)...)
}

// version is that of every JSON file but the journal.
const version = 1

// saveJSON writes what a value with a version says.
func (s *Store) saveJSON(path string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return s.disk.write(path, append(text, '\n'), 0o600)
}

// loadJSON reads what saveJSON wrote. The error is fs.ErrNotExist when there is
// no such file, and names the file in any case.
func loadJSON(path string, value any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var head struct{ Version int }
	if err := json.Unmarshal(text, &head); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if head.Version != version {
		return fmt.Errorf("%s: version %d is not known: another version of certctl wrote it", path, head.Version)
	}
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// names lists the entries of a directory in order, without temporary ones; a
// directory that does not exist is empty.
func names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		if os.IsNotExist(err) {
			return nil, nil
		}
		return nil, err
	}
	var list []string
	for _, entry := range entries {
		if entry.Name()[0] != '.' {
			list = append(list, entry.Name())
		}
	}
	return list, nil
}

const (
	modeDir    fs.FileMode = 0o700
	modeSecret fs.FileMode = 0o600
	modePublic fs.FileMode = 0o644
)
