package dnssec

import (
	"slices"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// set is the records of one name and type in one section of an answer, with
// the signatures over them.
type set struct {
	name   delegation.Name
	rrtype uint16
	rrs    []dns.RR // with canonical owner names
	sigs   []*dns.RRSIG
}

// sets sorts a section into sets, in order of appearance. Signatures over
// nothing make no set.
func sets(section []dns.RR) []set {
	var all []set
	for _, rr := range section {
		h := rr.Header()
		name := canonical(h.Name)
		if h.Class != dns.ClassINET || h.Rrtype == dns.TypeRRSIG {
			continue
		}
		i := slices.IndexFunc(all, func(s set) bool { return s.name == name && s.rrtype == h.Rrtype })
		if i < 0 {
			i = len(all)
			all = append(all, set{name: name, rrtype: h.Rrtype, sigs: signatures(section, name, h.Rrtype)})
		}
		rr = dns.Copy(rr)
		rr.Header().Name = string(name)
		all[i].rrs = append(all[i].rrs, rr)
	}
	return all
}

// signatures returns the signatures over one set.
func signatures(section []dns.RR, name delegation.Name, rrtype uint16) []*dns.RRSIG {
	var sigs []*dns.RRSIG
	for _, rr := range section {
		if s, ok := rr.(*dns.RRSIG); ok && s.TypeCovered == rrtype && canonical(s.Hdr.Name) == name {
			sigs = append(sigs, s)
		}
	}
	return sigs
}

// find returns the set of a name and type, or nil.
func find(all []set, name delegation.Name, rrtype uint16) *set {
	for i := range all {
		if all[i].name == name && all[i].rrtype == rrtype {
			return &all[i]
		}
	}
	return nil
}

// typed returns the records that are of the Go type T.
func typed[T dns.RR](rrs []dns.RR) []T {
	var all []T
	for _, rr := range rrs {
		if r, ok := rr.(T); ok {
			all = append(all, r)
		}
	}
	return all
}
