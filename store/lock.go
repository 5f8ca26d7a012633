package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Holder is the process that holds the lock.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

// String reads "certctl renew (pid 1234 on web1, since 12:00:00)".
func (h Holder) String() string {
	if h.PID == 0 {
		return "another process"
	}
	return fmt.Sprintf("%s (pid %d on %s, since %s)", h.Command, h.PID, h.Host, h.Since.Local().Format(time.TimeOnly))
}

// LockedError says that another process holds the lock.
type LockedError struct {
	Dir    string
	Holder Holder
	Lasts  bool // it is held for as long as the holder runs
}

func (e *LockedError) Error() string { return fmt.Sprintf("%s is in use by %s", e.Dir, e.Holder) }

// Hint says how to get the lock.
func (e *LockedError) Hint() string {
	if e.Lasts {
		return "end the other one first, or let this one work in a directory of its own"
	}
	return "run it without --no-wait to wait for the other one"
}

// The operating system gives no word when a lock is free, so we look.
const (
	firstLook = 20 * time.Millisecond
	lastLook  = 500 * time.Millisecond
)

// Lock takes the lock of the state directory. If another process, or another
// Store of this one, holds it, Lock waits for it, or without wait returns a
// *LockedError. waiting, which may be nil, is told whom it waits for, each time
// this changes. The operating system releases the lock of a process that dies.
func (s *Store) Lock(ctx context.Context, wait bool, waiting func(holder string)) (unlock func(), err error) {
	path := s.path("lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, modeSecret)
	if err != nil {
		return nil, &DirError{s.Dir, err}
	}
	if err := s.waitFor(ctx, f, wait, waiting); err != nil {
		f.Close()
		return nil, err
	}
	if err := writeHolder(f, s.holder()); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return func() {
		f.Truncate(0)
		f.Close()
	}, nil
}

// LockFile locks a file, which it makes if need be, until unlock is called or
// the process is gone. If another process holds it the error is a *LockedError.
// command is what the other one is told about us.
func LockFile(path, command string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, modeSecret)
	if err != nil {
		return nil, err
	}
	s := &Store{Dir: filepath.Dir(path), Command: command}
	if err = s.waitFor(context.Background(), f, false, nil); err == nil {
		err = writeHolder(f, s.holder())
	}
	if err != nil {
		f.Close()
		if locked, ok := errors.AsType[*LockedError](err); ok {
			locked.Lasts = true
		}
		return nil, err
	}
	return func() {
		f.Truncate(0)
		f.Close()
	}, nil
}

func (s *Store) waitFor(ctx context.Context, f *os.File, wait bool, waiting func(string)) error {
	var told Holder
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		if err := tryLock(f); !errors.Is(err, errHeld) {
			if err != nil {
				return fmt.Errorf("%s: cannot be locked: %w", f.Name(), err)
			}
			return nil
		}
		holder := readHolder(f)
		switch {
		case !wait:
			return &LockedError{Dir: s.Dir, Holder: holder}
		case waiting != nil && (pause == firstLook || holder.PID != 0 && holder != told):
			waiting(holder.String())
			told = holder
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", holder, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

func (s *Store) holder() Holder {
	host, _ := os.Hostname()
	command := filepath.Base(os.Args[0])
	if s.Command != "" {
		command += " " + s.Command
	}
	return Holder{PID: os.Getpid(), Host: host, Command: command, Since: time.Now().UTC().Truncate(time.Second)}
}

func writeHolder(f *os.File, h Holder) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(append(text, '\n'), 0)
	return err
}

// readHolder returns the zero Holder in the moment when the file is empty.
func readHolder(f *os.File) (h Holder) {
	text := make([]byte, 4096)
	n, err := f.ReadAt(text, 0)
	if err != nil && err != io.EOF {
		return Holder{}
	}
	if json.Unmarshal(text[:n], &h) != nil {
		return Holder{}
	}
	return h
}
