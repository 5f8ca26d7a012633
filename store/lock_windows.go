package store

import (
	"math"
	"os"

	"golang.org/x/sys/windows"
)

// errHeld is what tryLock returns when another process holds the lock.
const errHeld = windows.ERROR_LOCK_VIOLATION

// tryLock locks one byte far behind the text, because others may not read what
// is locked.
func tryLock(f *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	return windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &windows.Overlapped{OffsetHigh: math.MaxInt32})
}
