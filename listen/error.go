package listen

import (
	"errors"
	"fmt"
	"syscall"
)

// Error says why an address cannot be listened at.
type Error struct {
	Address string
	Holder  string // who has it, "" if that cannot be seen
	Err     error  // syscall.EADDRINUSE, EACCES or EADDRNOTAVAIL

	Instead string // what else would do, for the hint; may be ""
}

func (e *Error) Error() string {
	switch {
	case e.Holder != "":
		return fmt.Sprintf("listen on %s: it is in use by %s", e.Address, e.Holder)
	case errors.Is(e.Err, syscall.EADDRINUSE):
		return fmt.Sprintf("listen on %s: it is in use", e.Address)
	case errors.Is(e.Err, syscall.EADDRNOTAVAIL):
		return fmt.Sprintf("listen on %s: this machine does not have the address", e.Address)
	}
	return fmt.Sprintf("listen on %s: %v", e.Address, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Hint says how to get the port, or how to do without.
func (e *Error) Hint() string {
	var hint string
	switch {
	case errors.Is(e.Err, syscall.EADDRINUSE):
		hint = "stop what listens there for the time of the run (`hooks: {pre: …, post: …}`)"
	case errors.Is(e.Err, syscall.EACCES):
		hint = "ports below 1024 are for root, and for programs with CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE)"
	default:
		return ""
	}
	if e.Instead != "" {
		hint += ", or " + e.Instead
	}
	return hint
}
