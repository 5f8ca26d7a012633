package authority

import (
	"slices"
	"time"

	"github.com/miekg/dns"
)

// record is a record of a zone together with the time for which the primary
// has it. A secondary has it the same while, shifted by its lag.
type record struct {
	rr             dns.RR
	added, removed time.Time // zero: since ever, not yet
}

// visible reports whether a server that lags behind has the record at now.
func (r *record) visible(now time.Time, lag time.Duration) bool {
	reached := func(t time.Time) bool { return lag != Never && !now.Before(t.Add(lag)) }
	added := r.added.IsZero() || reached(r.added)
	removed := !r.removed.IsZero() && reached(r.removed)
	return added && !removed
}

// live returns the record set as the primary has it; dns.TypeANY for all types.
func (z *Zone) live(owner string, rrtype uint16) []*record {
	var rs []*record
	for _, r := range z.records[dns.CanonicalName(owner)] {
		if r.removed.IsZero() && (rrtype == dns.TypeANY || r.rr.Header().Rrtype == rrtype) {
			rs = append(rs, r)
		}
	}
	return rs
}

// insert adds a record at the primary unless it is there.
func (z *Zone) insert(rr dns.RR, now time.Time) (added bool) {
	owner := dns.CanonicalName(rr.Header().Name)
	for _, r := range z.live(owner, rr.Header().Rrtype) {
		if dns.IsDuplicate(r.rr, rr) {
			return false
		}
	}
	z.records[owner] = append(z.records[owner], &record{rr: rr, added: now})
	return true
}

func (z *Zone) addAll(rrs []dns.RR, now time.Time) (changed bool) {
	for _, rr := range rrs {
		changed = z.insert(rr, now) || changed
	}
	return changed
}

// removeAll removes exactly these records, whatever their TTL and class.
func (z *Zone) removeAll(rrs []dns.RR, now time.Time) (changed bool) {
	for _, rr := range rrs {
		want := dns.Copy(rr)
		want.Header().Class = dns.ClassINET
		for _, r := range z.live(want.Header().Name, want.Header().Rrtype) {
			if dns.IsDuplicate(r.rr, want) {
				r.removed, changed = now, true
			}
		}
	}
	return changed
}

// change runs an edit and raises the serial if it changed anything.
func (z *Zone) change(edit func(now time.Time) bool) {
	z.world.prepare()
	now := time.Now()
	if !edit(now) {
		return
	}
	for _, r := range z.live(z.apex, dns.TypeSOA) {
		soa := dns.Copy(r.rr).(*dns.SOA)
		soa.Serial++
		r.removed = now
		z.records[z.apex] = append(z.records[z.apex], &record{rr: soa, added: now})
	}
	z.forget(now)
}

// forget drops records that no server has any more.
func (z *Zone) forget(now time.Time) {
	for owner, rs := range z.records {
		z.records[owner] = slices.DeleteFunc(rs, func(r *record) bool {
			return !r.removed.IsZero() && !slices.ContainsFunc(z.servers, func(s *Server) bool {
				return s != z.primary && (s.lag == Never || now.Before(r.removed.Add(s.lag)))
			})
		})
		if len(z.records[owner]) == 0 {
			delete(z.records, owner)
		}
	}
}

// view is a zone as one server has it at one moment.
type view struct {
	*Zone
	now time.Time
	lag time.Duration
}

// view returns the zone as server s has it now.
func (z *Zone) view(s *Server, now time.Time) view {
	v := view{Zone: z, now: now, lag: s.lag}
	if s == z.primary {
		v.lag = 0
	}
	return v
}

// get returns a record set; dns.TypeANY for all types.
func (v view) get(owner string, rrtype uint16) []dns.RR {
	var rrs []dns.RR
	for _, r := range v.records[dns.CanonicalName(owner)] {
		if (rrtype == dns.TypeANY || r.rr.Header().Rrtype == rrtype) && r.visible(v.now, v.lag) {
			rrs = append(rrs, r.rr)
		}
	}
	return rrs
}

// exists reports whether there is a record at name or below it: a name without
// records of its own may be an empty non-terminal (RFC 4592 §2.2.2).
func (v view) exists(name string) bool {
	if len(v.get(name, dns.TypeANY)) > 0 {
		return true
	}
	name = dns.CanonicalName(name)
	for owner := range v.records {
		if isWithin(owner, name) && len(v.get(owner, dns.TypeANY)) > 0 {
			return true
		}
	}
	return false
}
