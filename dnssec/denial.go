package dnssec

import (
	"slices"

	"github.com/miekg/dns"

	"certctl/delegation"
)

const (
	// maxIterations is how often names may be hashed before an NSEC3 record is
	// too costly to check: the bound of Unbound and BIND. RFC 9276 §3.1 wants 0.
	maxIterations = 150

	// maxDenials bounds the NSEC and NSEC3 records that are looked at. No proof
	// takes more than three.
	maxDenials = 10
)

// denial is what an answer's NSEC or NSEC3 records deny, once their signatures
// are known to be good. Its methods return nil where they prove what is asked,
// and otherwise what is wrong with that.
type denial struct {
	zone       delegation.Name
	nsec       []*dns.NSEC
	nsec3      []*dns.NSEC3
	signatures []Signature
	flaw       *Reason // of a record that was there, but is not to be believed
}

// denial reads the authority section of an answer.
func (c checker) denial(authority []set) *denial {
	d := &denial{zone: c.zone}
	for i := range authority {
		s := &authority[i]
		if s.rrtype != dns.TypeNSEC && s.rrtype != dns.TypeNSEC3 && s.rrtype != dns.TypeSOA {
			continue
		}
		if len(d.nsec)+len(d.nsec3) >= maxDenials {
			break
		}
		by, flaw := c.check(s)
		switch {
		case flaw == nil && s.isExpanded(by):
			flaw = &Reason{Code: BadSign, Zone: c.zone, Name: s.name, Type: s.rrtype, Signature: by, Detail: "a wildcard made them"}
		case flaw == nil:
			d.add(s, *by)
			continue
		}
		if d.flaw == nil {
			d.flaw = flaw
		}
	}
	return d
}

func (d *denial) add(s *set, by Signature) {
	d.signatures = append(d.signatures, by)
	d.nsec = append(d.nsec, typed[*dns.NSEC](s.rrs)...)
	for _, n := range typed[*dns.NSEC3](s.rrs) {
		// Other hashes and flags are not for us to guess at, RFC 5155 §8.1 and §8.2.
		if n.Hash == dns.SHA1 && n.Flags&^optOutFlag == 0 {
			d.nsec3 = append(d.nsec3, n)
		}
	}
}

// proof names the type of the records.
func (d *denial) proof() string {
	if len(d.nsec3) > 0 {
		return "NSEC3"
	}
	return "NSEC"
}

// lacking is the reason for a proof that is not there: what is wrong with the
// records that should be it, or that there are none.
func (d *denial) lacking(name delegation.Name, qtype uint16) *Reason {
	if d.flaw != nil {
		return d.flaw
	}
	return &Reason{Code: NoProof, Zone: d.zone, Name: name, Type: qtype}
}

// costly returns the reason not to look at NSEC3 records that take too long.
func (d *denial) costly() *Reason {
	for _, n := range d.nsec3 {
		if n.Iterations > maxIterations {
			return &Reason{Code: Iterations, Zone: d.zone, Name: canonical(n.Hdr.Name), Type: dns.TypeNSEC3}
		}
	}
	return nil
}

func (d *denial) optOut(name delegation.Name, qtype uint16) *Reason {
	return &Reason{Code: OptOut, Zone: d.zone, Name: name, Type: qtype}
}

// noData proves that a name has no records of a type: the name's own record
// says so, or it has none as only names below it have records, or a wildcard
// answers for it that has none of the type either (RFC 4035 §5.4, RFC 5155
// §8.5 to §8.7).
func (d *denial) noData(name delegation.Name, qtype uint16) *Reason {
	if costly := d.costly(); costly != nil {
		return costly
	}
	if types, ok := d.typesAt(name); ok {
		if lacks(types, name, qtype) {
			return nil
		}
		return d.lacking(name, qtype)
	}
	if d.isEmpty(name) {
		return nil
	}
	above, optOut, ok := d.absent(name)
	if !ok {
		return d.lacking(name, qtype)
	}
	types, ok := d.typesAt(wildcard(above))
	switch {
	case ok && !lacks(types, wildcard(above), qtype):
		return d.lacking(name, qtype)
	case optOut:
		return d.optOut(name, qtype)
	case ok:
		return nil
	}
	return d.lacking(name, qtype)
}

// noName proves that a name does not exist, and no wildcard for it (RFC 4035
// §5.4, RFC 5155 §8.4).
func (d *denial) noName(name delegation.Name, qtype uint16) *Reason {
	if costly := d.costly(); costly != nil {
		return costly
	}
	above, optOut, ok := d.absent(name)
	if !ok || !d.covers(wildcard(above)) {
		return d.lacking(name, qtype)
	}
	if optOut {
		return d.optOut(name, qtype)
	}
	return nil
}

// noCloser proves that a wildcard right below the name with that many labels
// was the one to answer for name, as nothing between them exists (RFC 4035
// §5.3.4, RFC 5155 §8.8).
func (d *denial) noCloser(name delegation.Name, qtype uint16, labels int) *Reason {
	if costly := d.costly(); costly != nil {
		return costly
	}
	next := encloser(name, labels+1)
	if n := d.covering(next); n != nil {
		if n.Flags&optOutFlag != 0 {
			return d.optOut(name, qtype)
		}
		return nil
	}
	if above, ok := d.absentNSEC(name); ok && above.Labels() == labels {
		return nil
	}
	return d.lacking(name, qtype)
}

// noDS proves that a zone below is not signed (RFC 4035 §5.2, RFC 5155 §8.6 and
// §8.9). Its outcome is always a reason, and a good one is NoDS or OptOut.
func (d *denial) noDS(child delegation.Name) *Reason {
	if costly := d.costly(); costly != nil {
		return costly
	}
	types, ok := d.typesAt(child)
	switch {
	case ok && !lacks(types, child, dns.TypeDS):
		return d.lacking(child, dns.TypeDS)
	case ok && slices.Contains(types, dns.TypeNS):
		return &Reason{Code: NoDS, Zone: d.zone, Name: child, Type: dns.TypeDS}
	case ok || d.isEmpty(child):
		return &Reason{Code: Undelegated, Zone: d.zone, Name: child, Type: dns.TypeNS}
	}
	_, optOut, absent := d.absent(child)
	switch {
	case absent && optOut:
		return d.optOut(child, dns.TypeDS)
	case absent:
		return &Reason{Code: Undelegated, Zone: d.zone, Name: child, Type: dns.TypeNS}
	}
	return d.lacking(child, dns.TypeDS)
}

// typesAt returns the types that a name has, if a record of its own says so.
func (d *denial) typesAt(name delegation.Name) ([]uint16, bool) {
	for _, n := range d.nsec {
		if canonical(n.Hdr.Name) == name {
			return n.TypeBitMap, true
		}
	}
	if n := d.matching(name); n != nil {
		return n.TypeBitMap, true
	}
	return nil, false
}

// absent proves that a name does not exist. It returns the closest name above
// that does, and whether there may be an unsigned zone all the same.
func (d *denial) absent(name delegation.Name) (above delegation.Name, optOut, ok bool) {
	if above, ok := d.absentNSEC(name); ok {
		return above, false, true
	}
	return d.absentNSEC3(name)
}

// covers reports whether a name is shown not to exist.
func (d *denial) covers(name delegation.Name) bool {
	if d.covering(name) != nil {
		return true
	}
	_, ok := d.absentNSEC(name)
	return ok
}

// lacks reports whether a name's types rule a type out. A record of the zone
// above a cut says nothing but that there is no DS record, and the one below it
// everything but that (RFC 6840 §4.1).
func lacks(types []uint16, name delegation.Name, qtype uint16) bool {
	has := func(t uint16) bool { return slices.Contains(types, t) }
	if has(qtype) || has(dns.TypeCNAME) {
		return false
	}
	if qtype == dns.TypeDS {
		return !has(dns.TypeSOA) || name == root
	}
	return !has(dns.TypeNS) || has(dns.TypeSOA)
}

// isGateway reports whether the name with these types has another zone below
// it, or other names: nothing that its zone says about names there counts
// (RFC 6840 §4.1).
func isGateway(types []uint16) bool {
	has := func(t uint16) bool { return slices.Contains(types, t) }
	return has(dns.TypeDNAME) || has(dns.TypeNS) && !has(dns.TypeSOA)
}
