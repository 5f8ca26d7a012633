package dnssec

import "certctl/delegation"

// absentNSEC finds the NSEC record within whose gap a name lies (RFC 4034 §4),
// and the closest name above that exists: as the ends of the gap exist, so do
// all names above them.
func (d *denial) absentNSEC(name delegation.Name) (above delegation.Name, ok bool) {
	for _, n := range d.nsec {
		owner, next := canonical(n.Hdr.Name), canonical(n.NextDomain)
		switch {
		case !gap(owner, next, name, d.zone), next.IsAtOrBelow(name):
			continue
		case isBelow(name, owner) && isGateway(n.TypeBitMap):
			continue
		}
		above = common(name, owner)
		if other := common(name, next); other.Labels() > above.Labels() {
			above = other
		}
		return above, true
	}
	return "", false
}

// isEmpty reports whether a name is an empty non-terminal: it is in a gap whose
// end is below it (RFC 4592 §2.2.2). NSEC3 has records for such names.
func (d *denial) isEmpty(name delegation.Name) bool {
	for _, n := range d.nsec {
		owner, next := canonical(n.Hdr.Name), canonical(n.NextDomain)
		if gap(owner, next, name, d.zone) && isBelow(next, name) {
			return true
		}
	}
	return false
}

// gap reports whether a name comes after owner and before next. The zone's apex
// is the first name, and comes after the last again.
func gap(owner, next, name, zone delegation.Name) bool {
	if !name.IsAtOrBelow(zone) || !owner.IsAtOrBelow(zone) || compare(owner, name) >= 0 {
		return false
	}
	return next == zone || compare(name, next) < 0
}
