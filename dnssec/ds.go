package dnssec

import (
	"slices"
	"strings"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// isKnown reports whether signatures of an algorithm can be checked. The others
// are as good as none (RFC 4035 §5.2, RFC 8624 §3.1).
func isKnown(algorithm uint8) bool {
	switch algorithm {
	case dns.RSASHA1, dns.RSASHA1NSEC3SHA1, dns.RSASHA256, dns.RSASHA512,
		dns.ECDSAP256SHA256, dns.ECDSAP384SHA384, dns.ED25519:
		return true
	}
	return false
}

func isKnownDigest(digest uint8) bool {
	return digest == dns.SHA1 || digest == dns.SHA256 || digest == dns.SHA384
}

// usable returns those DS records of a zone that count: of known algorithms,
// and of the strongest digest type only, so that nobody can gain from breaking
// a weak one (RFC 4509 §3). The reason is set where there are none.
func usable(zone delegation.Name, set []*dns.DS) ([]*dns.DS, *Reason) {
	known := slices.DeleteFunc(slices.Clone(set), func(ds *dns.DS) bool { return !isKnown(ds.Algorithm) })
	if len(known) == 0 {
		return nil, &Reason{Code: unknown(set), Zone: zone, Name: zone, Type: dns.TypeDS, DS: set}
	}
	var strongest uint8
	for _, ds := range known {
		if isKnownDigest(ds.DigestType) {
			strongest = max(strongest, ds.DigestType)
		}
	}
	if strongest == 0 {
		return nil, &Reason{Code: UnknownDigest, Zone: zone, Name: zone, Type: dns.TypeDS, DS: set}
	}
	return slices.DeleteFunc(known, func(ds *dns.DS) bool { return ds.DigestType != strongest }), nil
}

// unknown tells algorithms that nobody knows from the one that is only missing
// here: Unbound can check Ed448.
func unknown(set []*dns.DS) Code {
	if slices.ContainsFunc(set, func(ds *dns.DS) bool { return ds.Algorithm == dns.ED448 }) {
		return Uncheckable
	}
	return UnknownAlgorithm
}

// vouched returns the keys that a zone's DS records stand for.
func vouched(set []*dns.DS, keys []*dns.DNSKEY) []*dns.DNSKEY {
	var good []*dns.DNSKEY
	for _, key := range keys {
		if isZoneKey(key) && slices.ContainsFunc(set, func(ds *dns.DS) bool { return stands(ds, key) }) {
			good = append(good, key)
		}
	}
	return good
}

// stands reports whether a DS record is that of a key.
func stands(ds *dns.DS, key *dns.DNSKEY) bool {
	if ds.KeyTag != key.KeyTag() || ds.Algorithm != key.Algorithm {
		return false
	}
	made := key.ToDS(ds.DigestType)
	return made != nil && strings.EqualFold(made.Digest, ds.Digest)
}

// isZoneKey reports whether a key signs the records of zones, and is not
// revoked (RFC 4034 §2.1.1, RFC 5011 §2.1).
func isZoneKey(k *dns.DNSKEY) bool {
	return k.Flags&dns.ZONE != 0 && k.Flags&dns.REVOKE == 0 && k.Protocol == 3
}

// fitting returns the DS records that a zone's parent should have: of its
// key-signing keys, or where it has none, of all.
func fitting(keys []*dns.DNSKEY) []*dns.DS {
	var sep, all []*dns.DS
	for _, k := range keys {
		ds := k.ToDS(dns.SHA256)
		if ds == nil || !isZoneKey(k) {
			continue
		}
		all = append(all, ds)
		if k.Flags&dns.SEP != 0 {
			sep = append(sep, ds)
		}
	}
	if sep != nil {
		return sep
	}
	return all
}

// summary returns keys for people, sorted by tag.
func summary(keys []*dns.DNSKEY) []Key {
	var short []Key
	for _, k := range keys {
		short = append(short, Key{
			Tag: k.KeyTag(), Algorithm: k.Algorithm,
			SEP: k.Flags&dns.SEP != 0, Revoked: k.Flags&dns.REVOKE != 0,
		})
	}
	slices.SortFunc(short, func(a, b Key) int { return int(a.Tag) - int(b.Tag) })
	return short
}
