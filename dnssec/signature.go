package dnssec

import (
	"strings"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// maxChecks bounds the signatures that are computed for one set. Zones that
// have many keys with one tag, and many signatures by it, are made to keep
// resolvers busy (CVE-2023-50387).
const maxChecks = 16

// checker checks signatures of one zone.
type checker struct {
	zone delegation.Name
	keys []*dns.DNSKEY
	now  time.Time
}

// check looks for a valid signature over a set. The reason says what is wrong
// with the one that came closest: rather "expired" than "of another key".
func (c checker) check(s *set) (*Signature, *Reason) {
	reason := &Reason{Code: NoSignature, Zone: c.zone, Name: s.name, Type: s.rrtype}
	checks := 0
	for _, sig := range s.sigs {
		shown := c.show(s, sig)
		flaw := &Reason{Code: BadSign, Zone: c.zone, Name: s.name, Type: s.rrtype, Signature: shown}
		if shown.Signer != c.zone || !s.name.IsAtOrBelow(c.zone) {
			flaw.Detail = "only zone " + string(c.zone) + " may sign them"
			reason = closer(reason, flaw)
			continue
		}
		flaw.Detail = "the zone has no such key"
		for _, key := range c.keys {
			if key.KeyTag() != sig.KeyTag || key.Algorithm != sig.Algorithm || checks == maxChecks {
				continue
			}
			checks++
			if c.verify(s, sig, key, flaw) {
				return shown, nil
			}
		}
		reason = closer(reason, flaw)
	}
	return nil, reason
}

// verify checks one signature with one key. It says in flaw what is wrong.
func (c checker) verify(s *set, sig *dns.RRSIG, key *dns.DNSKEY, flaw *Reason) bool {
	key = dns.Copy(key).(*dns.DNSKEY)
	key.Hdr.Name = string(c.zone)
	if !isZoneKey(key) {
		flaw.Detail = "the key is revoked, or not for zones"
		return false
	}
	if err := sig.Verify(key, s.rrs); err != nil {
		flaw.Detail = "made of other records, or with another key"
		return false
	}
	flaw.Detail = ""
	switch {
	case c.now.After(flaw.Signature.Expiration):
		flaw.Code, flaw.Now = Expired, c.now
	case c.now.Before(flaw.Signature.Inception):
		flaw.Code, flaw.Now = NotYetValid, c.now
	default:
		return true
	}
	return false
}

// show returns a signature for people.
func (c checker) show(s *set, sig *dns.RRSIG) *Signature {
	return &Signature{
		Name: s.name, Type: s.rrtype, Signer: canonical(sig.SignerName),
		Tag: sig.KeyTag, Algorithm: sig.Algorithm,
		Inception: near(sig.Inception, c.now), Expiration: near(sig.Expiration, c.now),
		labels: int(sig.Labels),
	}
}

// near returns the time that a 32-bit time of a signature means: the one
// closest to now (RFC 4034 §3.1.5).
func near(t uint32, now time.Time) time.Time {
	seconds := now.Unix()
	return time.Unix(seconds+int64(int32(t-uint32(seconds))), 0).UTC()
}

// closer returns the reason that tells more: the one of the signature that
// would have been right.
func closer(a, b *Reason) *Reason {
	rank := func(r *Reason) int {
		switch r.Code {
		case Expired, NotYetValid:
			return 2
		case BadSign:
			return 1
		}
		return 0
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}

// labels returns how many labels a signature over the set counts if no wildcard
// made it (RFC 4034 §3.1.3).
func (s *set) labels() int {
	n := s.name.Labels()
	if strings.HasPrefix(string(s.name), "*.") {
		n--
	}
	return n
}

// isExpanded reports whether a wildcard made a set: it was signed with fewer
// labels than its name has (RFC 4035 §5.3.4).
func (s *set) isExpanded(by *Signature) bool { return by.labels < s.labels() }
