package nameserver

import (
	"crypto"
	"crypto/ecdsa"
	"io"
	"sync"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

const (
	signedAgo = 3 * time.Hour // clocks of validators may be behind

	// Answers of a zone that nobody else has are signed for a week, from the
	// hour that it is.
	signedFor = 7 * 24 * time.Hour

	// A zone that others have is signed anew every four days, and then has another
	// serial. The signatures outlast that and the zone's expire time: a secondary
	// that has lost us is good for as long as it may answer.
	signedZoneFor = 21 * 24 * time.Hour
	signAgain     = 4 * 24 * time.Hour

	signatureOK = 24 * time.Hour // how long an answer with signatures is kept
)

// period is when signatures are good.
type period struct{ from, until uint32 } // Unix, in seconds

// signedAt returns the period of signatures that were made at a time.
func signedAt(at time.Time, lasts time.Duration) period {
	return period{uint32(at.Add(-signedAgo).Unix()), uint32(at.Add(lasts).Unix())}
}

// period returns when the zone's signatures are good. It is the same for the same
// serial where others have copies.
func (z zone) period() period {
	if at := z.values.Frame(z.apex).Signed; z.hasCopies() && isCurrent(at) {
		return signedAt(at, signedZoneFor)
	}
	lasts := signedFor
	if len(z.Secondaries) > 0 {
		lasts = signedZoneFor
	}
	return signedAt(time.Now().Truncate(time.Hour), lasts)
}

// isCurrent reports whether signatures that were made at a time are neither about
// to end nor of the future.
func isCurrent(at time.Time) bool {
	age := time.Since(at)
	return -signedAgo < age && age < signedZoneFor-2*signatureOK
}

// sign adds the signatures of all record sets in a section.
func (s *Signer) sign(apex delegation.Name, p period, list []dns.RR) ([]dns.RR, error) {
	signed := list[:len(list):len(list)]
	for start := 0; start < len(list); {
		end := start + 1
		for end < len(list) && sameSet(list[start], list[end]) {
			end++
		}
		signature, err := s.signature(apex, p, list[start:end])
		if err != nil {
			return nil, err
		}
		signed = append(signed, signature)
		start = end
	}
	return signed, nil
}

func sameSet(a, b dns.RR) bool {
	return a.Header().Rrtype == b.Header().Rrtype && a.Header().Name == b.Header().Name
}

// signature returns the signature of a record set, which is not to be changed.
func (s *Signer) signature(apex delegation.Name, p period, set []dns.RR) (dns.RR, error) {
	id, err := identity(apex, p, set)
	if err != nil {
		return nil, err
	}
	if made := s.made.get(id); made != nil {
		return made, nil
	}
	signature := &dns.RRSIG{
		Algorithm: dns.ECDSAP256SHA256, KeyTag: s.tag, SignerName: string(apex), Inception: p.from, Expiration: p.until,
	}
	if err := signature.Sign(repeatable{s.key}, set); err != nil {
		return nil, err
	}
	signature.Hdr.Ttl = set[0].Header().Ttl
	if !isMissing(set[0]) {
		s.made.put(id, signature)
	}
	return signature, nil
}

// repeatable is a key that makes the same signature of the same records each time
// (RFC 6979), also after a restart: so it can be told what a secondary has.
type repeatable struct{ *ecdsa.PrivateKey }

// Sign signs a digest.
func (r repeatable) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return r.PrivateKey.Sign(nil, digest, opts)
}

// identity returns what makes a signature the same as another one.
func identity(apex delegation.Name, p period, set []dns.RR) (string, error) {
	size := len(apex) + 8
	for _, rr := range set {
		size += dns.Len(rr) + 1
	}
	buf := append(make([]byte, 0, size), apex...)
	buf = append(buf, byte(p.from>>24), byte(p.from>>16), byte(p.from>>8), byte(p.from), byte(p.until>>24), byte(p.until>>16), byte(p.until>>8), byte(p.until))
	at := len(buf)
	buf = buf[:size]
	for _, rr := range set {
		end, err := dns.PackRR(dns.Copy(rr), buf, at, nil, false) // it writes into the header
		if err != nil {
			return "", err
		}
		at = end
	}
	return string(buf[:at]), nil
}

// signatures are those that were made last. Those over the compact proof that
// there is no such name are not among them: there are too many such names.
type signatures struct {
	mu   sync.RWMutex
	made map[string]*dns.RRSIG
}

// keptSignatures is how many are kept; so many take about 20 MB.
const keptSignatures = 1 << 15

func (c *signatures) get(id string) *dns.RRSIG {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.made[id]
}

// put keeps a signature. When there are too many all go: what is asked for comes
// back.
func (c *signatures) put(id string, signature *dns.RRSIG) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made == nil || len(c.made) >= keptSignatures {
		c.made = make(map[string]*dns.RRSIG)
	}
	c.made[id] = signature
}
