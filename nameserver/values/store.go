package values

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"certctl/delegation"
	"certctl/store"
)

// Store is the values of all zones. Its methods may be called at the same time.
type Store struct {
	path   string // "": in memory only
	unlock func()

	mu    sync.RWMutex // guards zones and what is in them
	zones map[delegation.Name]*zone

	queue     sync.Mutex // guards next
	next      *batch
	writing   sync.Mutex // held by the one that writes; guards what follows
	closed    bool
	file      *os.File // nil where it could not be opened again
	length    int64    // of the file, up to which all is well
	uncut     bool     // there may be something behind length
	replaced  bool     // that there is a new file may not be on the disk yet
	header    header
	compacted int64                    // length after the last compaction
	fresh     map[delegation.Name]bool // zones that were changed since the start
	foreign   func(delegation.Name) string

	watching sync.Mutex
	watchers map[int]func([]delegation.Name)
	watched  int
}

// Memory returns a store that keeps nothing on the disk.
func Memory() *Store {
	return &Store{
		zones: map[delegation.Name]*zone{}, fresh: map[delegation.Name]bool{}, watchers: map[int]func([]delegation.Name){},
		header:  header{version, uint32(time.Now().Unix())},
		foreign: func(delegation.Name) string { return "" },
	}
}

// Open opens the values in a directory, which it makes if need be. It is a
// *store.LockedError if another process has them, and a *VersionError if the
// file is of another version.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	unlock, err := store.LockFile(filepath.Join(dir, "lock"), "nameserver")
	if err != nil {
		return nil, err
	}
	s := Memory()
	s.path, s.unlock = filepath.Join(dir, "values.jsonl"), unlock
	if err := s.load(); err != nil {
		unlock()
		return nil, err
	}
	return s, nil
}

// load reads the file and cuts off what a crash left at its end.
func (s *Store) load() error {
	if err := s.create(); err != nil {
		return err
	}
	f, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	var r reading
	err = r.read(f, func(one record) { s.replay(one, r.header.Base) })
	if err == nil {
		err = f.Truncate(r.good)
	}
	if err == nil {
		_, err = f.Seek(r.good, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return err
	}
	s.file, s.length, s.header = f, r.good, r.header
	return nil
}

// create makes the file where there is none.
func (s *Store) create() error {
	if _, err := os.Stat(s.path); err == nil || !os.IsNotExist(err) {
		return err
	}
	_, err := replace(s.path, func(w io.Writer) error {
		_, err := w.Write(appendLine(nil, header{version, uint32(time.Now().Unix())}))
		return err
	})
	return err
}

// replay makes a change again that the file has.
func (s *Store) replay(r record, base uint32) {
	z := s.zones[r.Zone]
	if z == nil || r.Whole {
		z = newZone(base)
		s.zones[r.Zone] = z
	}
	from := z.serial
	z.apply(r)
	if !r.Whole && r.Serial != from {
		z.remember(r.step(from))
	}
}

// Close waits for changes that are under way and closes the file. What comes
// later is refused; what is there can be read on.
func (s *Store) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.path == "" || s.closed {
		return nil
	}
	s.closed = true
	s.unlock()
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// Put puts values into a zone, all or none. One that is there gets a new expiry
// and TTL. It returns when they are on the disk. A *RefusedError says that one
// of them cannot be put.
func (s *Store) Put(zone delegation.Name, list ...Value) error {
	return s.Change(zone, list, nil)
}

// Remove removes values of a zone: of each, the owner, text and key count.
// Those that are not there, or that belong to another key, are left alone.
func (s *Store) Remove(zone delegation.Name, list ...Value) error {
	return s.Change(zone, nil, list)
}

// Change removes values and puts others, in one step and with one serial, all
// or nothing. It is as Put and Remove are, each on its own.
func (s *Store) Change(name delegation.Name, put, remove []Value) error {
	for _, v := range put {
		if err := v.check(name); err != nil {
			return err
		}
		if IsWildcard(v.Owner) {
			return &RefusedError{v.Owner, errors.New("there are no wildcards here")}
		}
	}
	return s.do(func(tx *transaction) error {
		if primary := s.foreign(name); primary != "" {
			return &SecondaryError{name, primary}
		}
		return tx.change(name, put, remove)
	})
}

// Follow makes the change that brings a zone from one serial to another, as a
// transfer from another server has it. It fails if the zone has another serial.
func (s *Store) Follow(name delegation.Name, from, to uint32, put, remove []Value) error {
	for _, v := range put {
		if err := v.check(name); err != nil {
			return err
		}
	}
	return s.do(func(tx *transaction) error { return tx.follow(name, from, to, put, remove) })
}

// Foreign has the store ask where a zone's values come from before it changes
// them by Change and Sweep: the name of another server, or "" for here.
func (s *Store) Foreign(primary func(zone delegation.Name) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.foreign = primary
}

// serial returns a zone's serial; s.mu is held.
func (s *Store) serial(name delegation.Name) uint32 {
	if z := s.zones[name]; z != nil {
		return z.serial
	}
	return s.header.Base
}

// Replace makes a zone have these values and this serial, as a transfer from
// another server does.
func (s *Store) Replace(name delegation.Name, serial uint32, list []Value) error {
	for _, v := range list {
		if err := v.check(name); err != nil {
			return err
		}
	}
	return s.do(func(tx *transaction) error {
		tx.whole(name, serial, list)
		return nil
	})
}

// SetFrame notes that a zone has another frame, and raises its serial: as long as
// that is the same, the zone is the same for everybody who has it.
func (s *Store) SetFrame(name delegation.Name, f Frame) error {
	return s.do(func(tx *transaction) error {
		tx.frame(name, f)
		return nil
	})
}

// Frame returns a zone's frame, an empty one where none was set.
func (s *Store) Frame(zone delegation.Name) Frame {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if z := s.zones[zone]; z != nil && z.frame != nil {
		return *z.frame
	}
	return Frame{}
}

// SetLapse keeps until when a zone whose values come from another server may be
// answered for. There has to have been a transfer.
func (s *Store) SetLapse(name delegation.Name, at time.Time) error {
	return s.do(func(tx *transaction) error { return tx.lapse(name, at) })
}

// Lapse returns the time that SetLapse has kept, zero if none.
func (s *Store) Lapse(name delegation.Name) time.Time {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if z := s.zones[name]; z != nil {
		return z.lapses
	}
	return time.Time{}
}

// Sweep removes the values of all zones that have expired, and returns them.
func (s *Store) Sweep(now time.Time) ([]Value, error) {
	expired := map[delegation.Name][]Value{}
	var all []Value
	s.mu.RLock()
	for name, z := range s.zones {
		if s.foreign(name) == "" {
			expired[name] = z.expired(now)
			all = append(all, expired[name]...)
		}
	}
	s.mu.RUnlock()
	if len(all) == 0 {
		return nil, nil
	}
	return all, s.do(func(tx *transaction) error {
		for name, list := range expired {
			if err := tx.change(name, nil, tx.still(name, list)); err != nil {
				return err
			}
		}
		return nil
	})
}

// At returns the values at an owner name; not to be changed.
func (s *Store) At(zone, owner delegation.Name) []Value {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if z := s.zones[zone]; z != nil {
		return z.owners[owner]
	}
	return nil
}

// Below reports whether there are values below a name.
func (s *Store) Below(zone, name delegation.Name) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	z := s.zones[zone]
	return z != nil && z.below[name] > 0
}

// Serial returns the serial of a zone, also of one that was never changed.
func (s *Store) Serial(zone delegation.Name) uint32 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.serial(zone)
}

// Zones returns the zones that have ever been changed, sorted.
func (s *Store) Zones() []delegation.Name {
	s.mu.RLock()
	defer s.mu.RUnlock()
	names := make([]delegation.Name, 0, len(s.zones))
	for name := range s.zones {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// All returns all values of a zone, sorted by owner, and its serial.
func (s *Store) All(zone delegation.Name) ([]Value, uint32) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if z := s.zones[zone]; z != nil {
		return z.all(), z.serial
	}
	return nil, s.header.Base
}

// Changes is how a zone has changed since some serial: the values of each
// owner that was touched, then and now.
type Changes struct {
	Now           uint32 // serial
	Before, After map[delegation.Name][]Value
	Framed        bool // it has another Frame
}

// Since returns how a zone has changed since it had a serial. It is false where
// that is not known any more.
func (s *Store) Since(zone delegation.Name, serial uint32) (Changes, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	z := s.zones[zone]
	if z == nil {
		return Changes{Now: s.header.Base}, serial == s.header.Base
	}
	steps, ok := z.since(serial)
	return z.changes(steps), ok
}

// Known reports whether a zone was ever changed or transferred.
func (s *Store) Known(zone delegation.Name) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.zones[zone] != nil
}

// Watch has changed called after every change, with the zones that it changed.
// changed must not wait for anything. No call begins after stop has returned.
func (s *Store) Watch(changed func(zones []delegation.Name)) (stop func()) {
	s.watching.Lock()
	defer s.watching.Unlock()
	id := s.watched
	s.watched++
	s.watchers[id] = changed
	return func() {
		s.watching.Lock()
		defer s.watching.Unlock()
		delete(s.watchers, id)
	}
}

func (s *Store) tell(zones []delegation.Name) {
	if len(zones) == 0 {
		return
	}
	s.watching.Lock()
	defer s.watching.Unlock()
	for _, changed := range s.watchers {
		changed(zones)
	}
}

// errClosed is for changes after Close.
var errClosed = errors.New("the values are closed")
