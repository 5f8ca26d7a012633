package update

import (
	"slices"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/dns01/txt"
	"certctl/nameserver/access"
	"certctl/nameserver/values"
)

// zone is the zone that an update is for.
type zone struct {
	Zones
	values access.Values
	apex   delegation.Name
}

// isMeta reports whether no record can be of a type (RFC 2136 §3.4.1.2).
func isMeta(qtype uint16) bool {
	return qtype >= dns.TypeTKEY && qtype <= dns.TypeANY || qtype == dns.TypeOPT || qtype == dns.TypeNone
}

// inZone returns the name of a record of the zone.
func (z *zone) inZone(h *dns.RR_Header) (delegation.Name, bool) {
	name, err := delegation.ParseName(h.Name)
	return name, err == nil && name.IsAtOrBelow(z.apex)
}

// prerequisites checks the prerequisite section (RFC 2136 §3.2).
func (z *zone) prerequisites(rrs []dns.RR) (rcode int) {
	sets := map[setKey][]dns.RR{}
	for _, rr := range rrs {
		h := rr.Header()
		name, ok := z.inZone(h)
		switch {
		case h.Ttl != 0:
			return dns.RcodeFormatError
		case !ok:
			return dns.RcodeNotZone
		case h.Class == dns.ClassINET && !isMeta(h.Rrtype):
			sets[setKey{name, h.Rrtype}] = append(sets[setKey{name, h.Rrtype}], rr)
			continue
		}
		if rcode := z.prerequisite(name, h); rcode != dns.RcodeSuccess {
			return rcode
		}
	}
	for key, want := range sets {
		if !sameSet(want, ofType(z.Records(z.apex, key.name), key.rrtype)) {
			return dns.RcodeNXRrset
		}
	}
	return dns.RcodeSuccess
}

type setKey struct {
	name   delegation.Name
	rrtype uint16
}

// prerequisite checks one that says that something is, or is not, there.
func (z *zone) prerequisite(name delegation.Name, h *dns.RR_Header) (rcode int) {
	if h.Rdlength != 0 || isMeta(h.Rrtype) && h.Rrtype != dns.TypeANY {
		return dns.RcodeFormatError
	}
	there := len(ofType(z.Records(z.apex, name), h.Rrtype)) > 0
	any := h.Rrtype == dns.TypeANY
	switch {
	case h.Class != dns.ClassANY && h.Class != dns.ClassNONE:
		return dns.RcodeFormatError
	case h.Class == dns.ClassANY && !there && any:
		return dns.RcodeNameError
	case h.Class == dns.ClassANY && !there:
		return dns.RcodeNXRrset
	case h.Class == dns.ClassNONE && there && any:
		return dns.RcodeYXDomain
	case h.Class == dns.ClassNONE && there:
		return dns.RcodeYXRrset
	}
	return dns.RcodeSuccess
}

// ofType returns the records of a type; all for ANY.
func ofType(rrs []dns.RR, rrtype uint16) []dns.RR {
	return slices.DeleteFunc(slices.Clone(rrs), func(rr dns.RR) bool {
		return rrtype != dns.TypeANY && rr.Header().Rrtype != rrtype
	})
}

// sameSet compares two sets of records by their data (RFC 2136 §1.1.1).
func sameSet(a, b []dns.RR) bool {
	covers := func(all, some []dns.RR) bool {
		return !slices.ContainsFunc(some, func(x dns.RR) bool {
			return !slices.ContainsFunc(all, func(y dns.RR) bool { return sameData(x, y) })
		})
	}
	return covers(a, b) && covers(b, a)
}

// sameData compares two records but for their TTL.
func sameData(a, b dns.RR) bool {
	a, b = dns.Copy(a), dns.Copy(b)
	a.Header().Ttl, b.Header().Ttl = 0, 0
	return dns.IsDuplicate(a, b)
}

// request reads the update section: it is checked as a whole before anything is
// done (RFC 2136 §3.4.1).
func (z *zone) request(rrs []dns.RR, key *access.Key) (r access.Request, rcode int) {
	r.Zone = z.apex
	for _, rr := range rrs {
		h := rr.Header()
		name, ok := z.inZone(h)
		if !ok {
			return r, dns.RcodeNotZone
		}
		if !wellFormed(h) {
			return r, dns.RcodeFormatError
		}
		if !key.Covers(name) {
			r.Remove = append(r.Remove, values.Value{Owner: name}) // the desk says no, and notes it
			continue
		}
		if rcode := z.add(&r, name, rr, key); rcode != dns.RcodeSuccess {
			return r, rcode
		}
	}
	return r, dns.RcodeSuccess
}

// wellFormed checks one record of the update section (RFC 2136 §3.4.1.2).
func wellFormed(h *dns.RR_Header) bool {
	switch h.Class {
	case dns.ClassINET:
		return !isMeta(h.Rrtype)
	case dns.ClassANY:
		return h.Ttl == 0 && h.Rdlength == 0 && (!isMeta(h.Rrtype) || h.Rrtype == dns.TypeANY)
	case dns.ClassNONE:
		return h.Ttl == 0 && !isMeta(h.Rrtype)
	}
	return false
}

// add adds what one record of the update section asks for. Of types other than
// TXT a key may add none, nor remove any.
func (z *zone) add(r *access.Request, name delegation.Name, rr dns.RR, key *access.Key) (rcode int) {
	h := rr.Header()
	if h.Rrtype != dns.TypeTXT && (h.Rrtype != dns.TypeANY || h.Class != dns.ClassANY) {
		return dns.RcodeRefused
	}
	if h.Class == dns.ClassANY {
		z.clear(r, name, key)
		return dns.RcodeSuccess
	}
	content, ok := text(rr)
	if !ok {
		return dns.RcodeFormatError
	}
	v := values.Value{Owner: name, Text: content, TTL: min(h.Ttl, longestTTL)}
	same := func(w values.Value) bool { return w.Owner == v.Owner && w.Text == v.Text }
	r.Put, r.Remove = slices.DeleteFunc(r.Put, same), slices.DeleteFunc(r.Remove, same)
	if h.Class == dns.ClassNONE {
		r.Remove = append(r.Remove, v)
	} else {
		r.Put = append(r.Put, v)
	}
	return dns.RcodeSuccess
}

// longestTTL bounds how long a value that is gone stays in caches, in seconds.
const longestTTL = 3600

// clear asks for the removal of all values that the key has at a name.
func (z *zone) clear(r *access.Request, name delegation.Name, key *access.Key) {
	r.Put = slices.DeleteFunc(r.Put, func(v values.Value) bool { return v.Owner == name })
	for _, v := range z.values.At(z.apex, name) {
		if v.Key == key.ID {
			r.Remove = append(r.Remove, v)
		}
	}
}

// text returns the value of a TXT record.
func text(rr dns.RR) (string, bool) {
	t, ok := rr.(*dns.TXT)
	if !ok {
		return "", false
	}
	value, err := txt.Join(t.Txt)
	return value, err == nil
}
