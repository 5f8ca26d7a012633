package nameserver

import (
	"iter"
	"maps"
	"slices"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/nameserver/values"
)

// version is a signed zone at one serial, as a transfer has it. Where there are
// copies of a zone, the same serial always has the same signatures.
type version struct {
	zone
	serial uint32
	period period
	chain  chain
	at     func(owner delegation.Name) []values.Value
}

// version returns the zone as it is now.
func (z zone) version() version {
	list, serial := z.values.All(z.apex)
	owners := make(map[delegation.Name][]values.Value)
	for _, set := range values.ByOwner(list) {
		owners[set[0].Owner] = set
	}
	return version{z, serial, z.period(), newChain(z.names(list)), func(owner delegation.Name) []values.Value { return owners[owner] }}
}

// records returns all records at the owner of a link but SOA, with the NSEC
// record and all signatures.
func (v version) records(l link) ([]dns.RR, error) {
	list := v.recordsWith(l.owner, v.at(l.owner), v.serial)
	list = append(list, v.nsec(l.owner, l.next, list))
	slices.SortStableFunc(list, func(a, b dns.RR) int { return int(a.Header().Rrtype) - int(b.Header().Rrtype) })
	list, err := v.Signer.sign(v.apex, v.period, list)
	return slices.DeleteFunc(list, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeSOA }), err
}

// all returns the zone as a transfer has it (RFC 5936 §2.2). It is signed while
// it is read.
func (v version) all() iter.Seq2[dns.RR, error] {
	return func(yield func(dns.RR, error) bool) {
		soa := v.soaAt(v.serial)
		if !yield(soa, nil) {
			return
		}
		for n := range v.chain {
			list, err := v.records(v.chain.link(n))
			if err != nil {
				yield(nil, err)
				return
			}
			for _, rr := range list {
				if !yield(rr, nil) {
					return
				}
			}
		}
		yield(soa, nil)
	}
}

// signedDifference is difference for a zone with signatures. It is false where
// the whole zone has to be transferred.
func (z zone) signedDifference(since uint32) ([]dns.RR, bool) {
	const tries = 4
	for range tries {
		chain, serial := z.chain()
		if serial == since {
			return []dns.RR{z.soaAt(serial)}, true
		}
		c, ok := z.values.Since(z.apex, since)
		if !ok || c.Framed || !z.hasCopies() || !isCurrent(z.values.Frame(z.apex).Signed) {
			return nil, false
		}
		after := version{z, serial, z.period(), chain, func(owner delegation.Name) []values.Value { return z.values.At(z.apex, owner) }}
		list, err := after.undo(c, since).to(after, c)
		if err != nil {
			return nil, false
		}
		if c.Now == serial && z.values.Serial(z.apex) == serial {
			return list, true
		}
	}
	return nil, false
}

// undo returns the version before some changes.
func (v version) undo(c values.Changes, serial uint32) version {
	before := v
	before.serial, before.chain = serial, slices.Clone(v.chain)
	for owner, list := range c.Before {
		before.chain = before.chain.with(owner, v.isThere(owner, list))
	}
	before.at = func(owner delegation.Name) []values.Value {
		if list, changed := c.Before[owner]; changed {
			return list
		}
		return v.at(owner)
	}
	return before
}

// to returns what leads from one version to another (RFC 1995 §4). Beside the
// names that have changed these are the ones before them in the chain, and the
// apex, where the signature of SOA is.
func (v version) to(after version, c values.Changes) ([]dns.RR, error) {
	names := map[delegation.Name]bool{v.apex: true}
	for owner := range c.After {
		names[owner], names[v.chain.around(owner).owner], names[after.chain.around(owner).owner] = true, true, true
	}
	var removed, added []dns.RR
	for _, name := range slices.Sorted(maps.Keys(names)) {
		old, err := v.recordsAt(name)
		if err != nil {
			return nil, err
		}
		now, err := after.recordsAt(name)
		if err != nil {
			return nil, err
		}
		removed, added = append(removed, without(old, now)...), append(added, without(now, old)...)
	}
	soa := after.soaAt(after.serial)
	return slices.Concat([]dns.RR{soa, v.soaAt(v.serial)}, removed, []dns.RR{soa}, added, []dns.RR{soa}), nil
}

// recordsAt is records for a name that may not be there.
func (v version) recordsAt(name delegation.Name) ([]dns.RR, error) {
	if l := v.chain.around(name); l.exact {
		return v.records(l)
	}
	return nil, nil
}
