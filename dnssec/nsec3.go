package dnssec

import (
	"github.com/miekg/dns"

	"certctl/delegation"
)

// optOutFlag says that there may be unsigned zones in the gap (RFC 5155
// §3.1.2.1).
const optOutFlag = 1

// absentNSEC3 is the closest encloser proof (RFC 5155 §8.3): of the names above
// name, the lowest that has a record exists, and the next one down lies in the
// gap of another record.
func (d *denial) absentNSEC3(name delegation.Name) (above delegation.Name, optOut, ok bool) {
	if len(d.nsec3) == 0 {
		return "", false, false
	}
	for next := name; isBelow(next, d.zone); next = next.Parent() {
		n := d.matching(next.Parent())
		if n == nil {
			continue
		}
		gap := d.covering(next)
		if gap == nil || isGateway(n.TypeBitMap) {
			return "", false, false
		}
		return next.Parent(), gap.Flags&optOutFlag != 0, true
	}
	return "", false, false
}

// matching returns the NSEC3 record of a name, or nil.
func (d *denial) matching(name delegation.Name) *dns.NSEC3 {
	for _, n := range d.nsec3 {
		if d.isOurs(n) && n.Match(string(name)) {
			return n
		}
	}
	return nil
}

// covering returns the NSEC3 record in whose gap the hash of a name lies, or
// nil. A record's own name is not in its gap, although Cover counts it in.
func (d *denial) covering(name delegation.Name) *dns.NSEC3 {
	for _, n := range d.nsec3 {
		if d.isOurs(n) && n.Cover(string(name)) && !n.Match(string(name)) {
			return n
		}
	}
	return nil
}

// isOurs reports whether a record is one label below the apex, as all of the
// zone's are.
func (d *denial) isOurs(n *dns.NSEC3) bool { return canonical(n.Hdr.Name).Parent() == d.zone }
