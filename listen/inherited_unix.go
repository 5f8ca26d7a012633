//go:build unix

package listen

import (
	"os"
	"strconv"
	"syscall"
)

// duplicate returns another descriptor for what a descriptor is open at, and
// keeps both from programs that are started.
func duplicate(fd int) (*os.File, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	own, err := syscall.Dup(fd)
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(fd)
	syscall.CloseOnExec(own)
	return os.NewFile(uintptr(own), "fd:"+strconv.Itoa(fd)), nil
}
