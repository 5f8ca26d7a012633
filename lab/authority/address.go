package authority

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"syscall"
)

// addresses returns a function that gives out loopback addresses, each once.
// On Linux they are random ones, so that worlds side by side do not meet; on
// systems where each must be configured first they are 127.64.0.1 and onward.
func addresses() func() netip.Addr {
	given := map[netip.Addr]bool{}
	last := netip.AddrFrom4([4]byte{127, 64, 0, 0})
	return func() netip.Addr {
		if runtime.GOOS != "linux" {
			last = last.Next()
			return last
		}
		for {
			a := netip.AddrFrom4([4]byte{127, byte(64 + rand.IntN(64)), byte(rand.IntN(256)), byte(1 + rand.IntN(254))})
			if !given[a] {
				given[a] = true
				return a
			}
		}
	}
}

// AddressError says that this system does not have a loopback address.
type AddressError struct {
	Addr  netip.Addr
	Count int // of addresses that the world needs
	Err   error
}

func (e *AddressError) Error() string {
	return fmt.Sprintf("listen on %s: %v", e.Addr, e.Err)
}

func (e *AddressError) Unwrap() error { return e.Err }

// Hint says how to get the addresses.
func (e *AddressError) Hint() string {
	if !e.Addr.Is4() {
		return "this system has no IPv6 loopback address"
	}
	return fmt.Sprintf("each DNS server needs a loopback address of its own; on macOS add them with: "+
		"for i in $(seq 1 %d); do sudo ifconfig lo0 alias 127.64.0.$i up; done", e.Count)
}

// isMissing reports whether a listener failed because the address is not
// there, so that trying again is of no use.
func isMissing(err error) bool { return errors.Is(err, syscall.EADDRNOTAVAIL) }
