package values

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"certctl/delegation"
)

// batch is changes that go to the disk together.
type batch struct {
	requests []*request
	done     chan struct{} // closed when they are on the disk, or have failed
}

type request struct {
	make func(*transaction) error
	err  error
}

// do has a change made and waits until it is on the disk. The first to come
// while the disk is busy makes the next batch; it writes that for all who come
// until the disk is free.
func (s *Store) do(change func(*transaction) error) error {
	r := &request{make: change}
	s.queue.Lock()
	b := s.next
	first := b == nil
	if first {
		b = &batch{done: make(chan struct{})}
		s.next = b
	}
	b.requests = append(b.requests, r)
	s.queue.Unlock()
	if first {
		s.commit(b)
	} else {
		<-b.done
	}
	return r.err
}

// commit makes the changes of a batch.
func (s *Store) commit(b *batch) {
	defer close(b.done)
	s.writing.Lock()
	defer s.writing.Unlock()
	s.queue.Lock()
	s.next = nil
	s.queue.Unlock()
	tx := &transaction{store: s}
	s.mu.Lock()
	for _, r := range b.requests {
		r.err = tx.attempt(r.make)
	}
	s.mu.Unlock()
	if len(tx.undo) == 0 {
		return
	}
	if err := s.write(tx.lines); err != nil {
		s.mu.Lock()
		tx.rollBack(0)
		s.mu.Unlock()
		for _, r := range b.requests {
			r.err = errors.Join(r.err, err)
		}
		return
	}
	s.tell(slices.DeleteFunc(tx.changed, func(name delegation.Name) bool { return name == "" }))
	s.compactIfWorth()
}

// write adds lines to the file; when it returns they are on the disk. A write that
// fails, as on a full disk, leaves the file as it was, so that later ones may
// succeed.
func (s *Store) write(lines []byte) error {
	if s.path == "" {
		return nil
	}
	if s.closed {
		return errClosed
	}
	if err := s.settle(); err != nil {
		return err
	}
	_, err := s.file.WriteAt(lines, s.length)
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		s.uncut = true
		_ = s.settle() // if it cannot be now, it has to be before the next write
		return err
	}
	s.length += int64(len(lines))
	return nil
}

// settle makes good what could not be done before.
func (s *Store) settle() (err error) {
	if s.file == nil {
		if s.file, err = os.OpenFile(s.path, os.O_RDWR, 0); err != nil {
			s.file = nil
			return err
		}
	}
	if s.uncut {
		if err := s.file.Truncate(s.length); err != nil {
			return err
		}
		s.uncut = false
	}
	if s.replaced {
		if err := syncDir(filepath.Dir(s.path)); err != nil {
			return err
		}
		s.replaced = false
	}
	return nil
}

// transaction is changes under way, made in memory and not yet on the disk.
type transaction struct {
	store   *Store
	lines   []byte
	undo    []func()
	ends    []int // of lines, before each of undo
	changed []delegation.Name
}

// attempt makes a change or, if it fails, nothing of it.
func (tx *transaction) attempt(change func(*transaction) error) error {
	before := len(tx.undo)
	err := change(tx)
	if err != nil {
		tx.rollBack(before)
	}
	return err
}

// rollBack undoes all but the first changes.
func (tx *transaction) rollBack(keep int) {
	for n := len(tx.undo) - 1; n >= keep; n-- {
		tx.undo[n]()
		tx.lines = tx.lines[:tx.ends[n]]
	}
	tx.undo, tx.ends, tx.changed = tx.undo[:keep], tx.ends[:keep], tx.changed[:keep]
}

// change removes values and puts others, and raises the zone's serial if that
// changes anything.
func (tx *transaction) change(name delegation.Name, put, remove []Value) error {
	z, r := tx.difference(name, put, remove)
	if len(r.Added)+len(r.Removed) == 0 {
		return nil
	}
	if err := r.fits(z); err != nil {
		return err
	}
	r.Serial = tx.store.following(name, z.serial)
	tx.make(name, z, r)
	return nil
}

// follow makes a change that another server has made before us.
func (tx *transaction) follow(name delegation.Name, from, to uint32, put, remove []Value) error {
	z, r := tx.difference(name, put, remove)
	if z.serial != from {
		return &RefusedError{name, fmt.Errorf("its serial is %d, not %d", z.serial, from)}
	}
	r.Serial = to
	tx.make(name, z, r)
	return nil
}

// difference returns what is to be added and removed.
func (tx *transaction) difference(name delegation.Name, put, remove []Value) (*zone, record) {
	z := tx.store.zones[name]
	if z == nil {
		z = newZone(tx.store.header.Base)
	}
	gone, come := newSet(), newSet()
	for _, v := range remove {
		if old, ok := z.find(v); ok {
			gone.add(old)
		}
	}
	for _, v := range put {
		old, there := z.find(v)
		switch {
		case there && old.equal(v):
			gone.drop(v)
			come.drop(v)
		case there:
			gone.add(old)
			come.add(v)
		default:
			come.add(v)
		}
	}
	return z, record{Zone: name, Added: come.list(), Removed: gone.list()}
}

// set is values, each once, in the order in which they came.
type set struct {
	values map[Value]Value // by what makes them the same
	order  []Value
}

func newSet() *set { return &set{values: map[Value]Value{}} }

func (s *set) add(v Value) {
	id := v.identity()
	if _, there := s.values[id]; !there {
		s.order = append(s.order, id)
	}
	s.values[id] = v
}

func (s *set) drop(v Value) { delete(s.values, v.identity()) }

func (s *set) list() []Value {
	var list []Value
	for _, id := range s.order {
		if v, there := s.values[id]; there {
			list = append(list, v)
			delete(s.values, id)
		}
	}
	return list
}

// fits checks how many values each owner will have.
func (r *record) fits(z *zone) error {
	more := map[delegation.Name]int{}
	for _, v := range r.Added {
		more[v.Owner]++
	}
	for _, v := range r.Removed {
		more[v.Owner]--
	}
	for owner, n := range more {
		if n > 0 && len(z.owners[owner])+n > MaxValues {
			return &RefusedError{owner, fmt.Errorf("it has %d values: %d at most", len(z.owners[owner]), MaxValues)}
		}
	}
	return nil
}

// make makes a change in memory and notes its line.
func (tx *transaction) make(name delegation.Name, z *zone, r record) {
	from, known := z.serial, tx.store.zones[name] != nil
	history, fresh, frame := z.history, tx.store.fresh[name], z.frame
	tx.note(name, r, func() {
		z.apply(record{Serial: from, Added: r.Removed, Removed: r.Added})
		z.history, z.frame = history, frame
		tx.store.fresh[name] = fresh
		if !known {
			delete(tx.store.zones, name)
		}
	})
	tx.store.zones[name] = z
	tx.store.fresh[name] = true
	z.apply(r)
	z.remember(r.step(from))
}

// frame gives the zone a frame and the next serial.
func (tx *transaction) frame(name delegation.Name, f Frame) {
	z, r := tx.difference(name, nil, nil)
	r.Serial, r.Frame = tx.store.following(name, z.serial), &f
	tx.make(name, z, r)
}

// lapse notes when the zone lapses. Its serial stays, and nobody is told.
func (tx *transaction) lapse(name delegation.Name, at time.Time) error {
	z := tx.store.zones[name]
	if z == nil {
		return &RefusedError{name, errors.New("there is no such zone")}
	}
	old := z.lapses
	tx.note("", record{Zone: name, Serial: z.serial, Lapses: at}, func() { z.lapses = old })
	z.lapses = at
	return nil
}

// whole makes a zone have these values and no others.
func (tx *transaction) whole(name delegation.Name, serial uint32, list []Value) {
	old, known := tx.store.zones[name]
	r := record{Zone: name, Serial: serial, Whole: true}
	z := newZone(serial)
	if known {
		r.Lapses, z.lapses = old.lapses, old.lapses
	}
	for _, v := range list {
		if _, there := z.find(v); !there {
			z.add(v)
			r.Added = append(r.Added, v)
		}
	}
	tx.note(name, r, func() {
		tx.store.zones[name] = old
		if !known {
			delete(tx.store.zones, name)
		}
	})
	tx.store.zones[name] = z
}

// note keeps the line of a change that was made, how it is undone, and the name
// of the zone that watchers are told of; "": they are not.
func (tx *transaction) note(name delegation.Name, r record, undo func()) {
	tx.ends = append(tx.ends, len(tx.lines))
	tx.undo = append(tx.undo, undo)
	tx.changed = append(tx.changed, name)
	tx.lines = appendLine(tx.lines, r)
}

// still returns those of the values that are there as they are in the list.
func (tx *transaction) still(name delegation.Name, list []Value) []Value {
	z := tx.store.zones[name]
	return slices.DeleteFunc(list, func(v Value) bool {
		if z == nil {
			return true
		}
		now, ok := z.find(v)
		return !ok || !now.equal(v)
	})
}

// leap is how far the serial of a zone jumps with its first change after the
// start: somebody may have seen one that a crash kept from the disk.
const leap = 1000

// following returns the serial after a zone's last (RFC 1982 §3).
func (s *Store) following(name delegation.Name, last uint32) uint32 {
	next := last + 1
	if !s.fresh[name] && s.zones[name] != nil {
		next = last + leap
	}
	if now := uint32(time.Now().Unix()); int32(now-next) > 0 {
		return now
	}
	return next
}

// spare is how many octets of history a file may have before it is worth while to
// write it anew.
const spare = 4 << 20

// compactIfWorth replaces the file by a shorter one when most of it is history.
// That it cannot is no harm: the file goes on growing until it can.
func (s *Store) compactIfWorth() {
	if s.length < 2*s.compacted+spare {
		return
	}
	_ = s.compact()
	s.compacted = s.length // also when it failed: then it is tried again some time later
}

// compact writes one line for each zone and leaves the history out. The file
// is closed meanwhile, because Windows replaces no open one.
func (s *Store) compact() error {
	s.file.Close()
	s.file = nil
	length, err := replace(s.path, func(w io.Writer) error {
		_, err := w.Write(appendLine(nil, s.header))
		s.mu.RLock()
		defer s.mu.RUnlock()
		for name, z := range s.zones {
			_, more := w.Write(appendLine(nil, record{Zone: name, Serial: z.serial, Whole: true, Frame: z.frame, Lapses: z.lapses, Added: z.all()}))
			err = errors.Join(err, more)
		}
		return err
	})
	if length > 0 {
		s.length, s.uncut, s.replaced = length, false, err != nil
	}
	return errors.Join(err, s.settle())
}
