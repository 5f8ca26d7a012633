package check

import (
	"fmt"
	"time"
)

// longDenial is how long resolvers may remember that a record is not there.
// Let's Encrypt's do not remember it at all; those of other CAs do.
const longDenial = time.Hour

// lookAtSerials compares the SOA records of each zone's servers.
func (r *run) lookAtSerials() {
	for _, z := range r.zones {
		if z.proxied || len(z.usable()) == 0 {
			continue
		}
		r.findings.serials(z)
		if len(z.owners) > 0 {
			r.findings.denial(z)
		}
	}
}

// serials says who lags behind whom.
func (fs *findings) serials(z *zone) {
	zone := z.apex.Bare()
	var said []Evidence
	var newest uint32
	alike := true
	for i, s := range z.usable() {
		soa, ok := s.serial()
		if !ok {
			continue
		}
		said = append(said, Evidence{s.String(), "serial " + zone, fmt.Sprintf("%d (in %v)", soa.Serial, s.soa.RTT.Round(100*time.Microsecond))})
		alike = alike && (i == 0 || soa.Serial == newest)
		if i == 0 || int32(soa.Serial-newest) > 0 { // RFC 1982 §3.2
			newest = soa.Serial
		}
	}
	if alike {
		fs.add("serial", zone, fmt.Sprintf("the servers of zone %s have the serial %d", zone, newest), "", said...)
		return
	}
	fs.add("serial-differs", zone, fmt.Sprintf("not all servers of zone %s have the serial %d: what is written gets to the others late, or never", zone, newest),
		"are the secondaries notified of changes, and may they transfer the zone?", said...)
}

// denial looks at how long it is remembered that a record is not there
// (RFC 2308 §5).
func (fs *findings) denial(z *zone) {
	for _, s := range z.usable() {
		soa, ok := s.serial()
		if !ok {
			continue
		}
		ttl := time.Duration(min(soa.Minttl, soa.Hdr.Ttl)) * time.Second
		if ttl > longDenial {
			fs.add("negative-ttl", z.apex.Bare(), fmt.Sprintf("resolvers remember for %v that a record is not there: a validation that failed fails again", ttl),
				fmt.Sprintf("lower the last number of the SOA record of %s to 300 or less", z.apex.Bare()),
				Evidence{s.String(), "SOA " + z.apex.Bare(), fmt.Sprintf("minimum %d, TTL %d", soa.Minttl, soa.Hdr.Ttl)})
		}
		return
	}
}
