package delegation

import (
	"errors"
	"net/netip"
	"sync"
	"syscall"
)

// Windows' numbers for ENETUNREACH and EADDRNOTAVAIL, which package syscall
// does not map to those names.
const (
	wsaNetUnreach   = syscall.Errno(10051)
	wsaAddrNotAvail = syscall.Errno(10049)
)

// IsNoRoute reports whether a query failed because this host has no route to
// the server, so that not one packet left. It is a fact about this host, not
// about the server.
func IsNoRoute(err error) bool {
	var no syscall.Errno
	if !errors.As(err, &no) {
		return false
	}
	switch no {
	case syscall.ENETUNREACH, syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT, wsaNetUnreach, wsaAddrNotAvail:
		return true
	}
	return false
}

// families remembers which address families have no route to the Internet. An
// attempt costs nothing, no packet leaves; it is the repetition in errors and
// warnings that it saves.
type families struct {
	mu     sync.Mutex
	absent map[string]bool
}

// wide returns the family of an address that takes a default route to reach,
// or "". What holds for one such address holds for all of its family.
func wide(a netip.Addr) string {
	switch {
	case !a.IsGlobalUnicast() || a.IsPrivate():
		return ""
	case a.Is4() || a.Is4In6():
		return "IPv4"
	}
	return "IPv6"
}

// lost takes note that there is no route to an address, and returns the family
// if this is news.
func (f *families) lost(a netip.Addr) string {
	family := wide(a)
	f.mu.Lock()
	defer f.mu.Unlock()
	if family == "" || f.absent[family] {
		return ""
	}
	if f.absent == nil {
		f.absent = make(map[string]bool)
	}
	f.absent[family] = true
	return family
}

// routed returns the peers whose family has a route; all of them if none has.
func (f *families) routed(peers []peer) []peer {
	f.mu.Lock()
	defer f.mu.Unlock()
	var left []peer
	for _, p := range peers {
		if !f.absent[wide(p.addr.Addr())] {
			left = append(left, p)
		}
	}
	if left == nil {
		return peers
	}
	return left
}
