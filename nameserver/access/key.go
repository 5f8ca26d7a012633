package access

import (
	"fmt"
	"net/netip"
	"slices"

	"certctl/delegation"
)

// Key is somebody who may put values, and owns those that he has put.
type Key struct {
	ID       string            // who it is, for the audit log and as the owner of values; unique
	Names    []delegation.Name // exactly these owner names
	Subtrees []delegation.Name // these and all below them
	AnyValue bool              // not only values of 43 characters of base64url (RFC 8555 §8.4)
	From     []netip.Prefix    // where he may come from; none: everywhere
}

// Covers reports whether the key may put values at a name.
func (k *Key) Covers(name delegation.Name) bool {
	return slices.Contains(k.Names, name) || slices.ContainsFunc(k.Subtrees, name.IsAtOrBelow)
}

// MayComeFrom reports whether the key may be used from an address.
func (k *Key) MayComeFrom(a netip.Addr) bool {
	return len(k.From) == 0 || Within(k.From, a)
}

// Within reports whether an address is in one of some networks.
func Within(networks []netip.Prefix, a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) })
}

// ForbiddenError says that a key has no right to what was asked for.
type ForbiddenError struct {
	Key  string
	Name delegation.Name // "": the address it came from is not allowed
	From netip.Addr
}

func (e *ForbiddenError) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("%s may not be used from %s", e.Key, e.From)
	}
	return fmt.Sprintf("%s has no right to %s", e.Key, e.Name.Bare())
}

// ValueError says that a value is none that a key may put.
type ValueError struct{ Name delegation.Name }

func (e *ValueError) Error() string {
	return fmt.Sprintf("the value for %s is not one of a challenge, which has 43 characters of base64url", e.Name.Bare())
}
