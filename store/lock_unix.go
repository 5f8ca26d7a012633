//go:build !windows

package store

import (
	"os"
	"syscall"
)

// errHeld is what tryLock returns when another process holds the lock.
const errHeld = syscall.EWOULDBLOCK

func tryLock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EINTR {
			return err
		}
	}
}
