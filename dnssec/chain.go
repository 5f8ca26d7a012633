package dnssec

import (
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// Verdict is what a validating resolver thinks of an answer (RFC 4033 §5).
type Verdict string

// The verdicts.
const (
	Secure        Verdict = "secure"
	Insecure      Verdict = "insecure"      // not signed, and that is proven
	Bogus         Verdict = "bogus"         // resolvers answer SERVFAIL
	Indeterminate Verdict = "indeterminate" // it cannot be judged
)

// Chain is the chain of trust from an anchor down to one name.
type Chain struct {
	Name    delegation.Name
	Type    uint16 // of the records asked for
	Verdict Verdict
	Reason  *Reason // why the verdict is not Secure; nil if it is
	Links   []Link  // the zones, from the anchor (without one: the root) to the last that could be judged
	Answer  *Answer // what the last zone says about the name; nil where the chain broke before

	// Lapses are what single servers of the last zone did wrong although
	// another one answered well. A resolver that asks them has to try again.
	Lapses []*Reason
}

// Link is one zone of a chain.
type Link struct {
	Zone       delegation.Name
	Verdict    Verdict
	Reason     *Reason        // why the verdict is not Secure; nil if it is
	DS         []*dns.DS      // that vouch for the zone: its parent's, or the trust anchor's
	Anchored   bool           // DS is the trust anchor
	Keys       []Key          // the zone's, sorted by tag; nil below an insecure zone
	Signatures []Signature    // that were checked: over DS, and over the keys
	Server     netip.AddrPort // that gave the keys

	trusted []*dns.DNSKEY // Keys, once they are
}

// Key is one DNSKEY record.
type Key struct {
	Tag       uint16
	Algorithm uint8
	SEP       bool // a key-signing key, which a DS record may stand for
	Revoked   bool // RFC 5011 §3
}

// Signature is a signature that was checked.
type Signature struct {
	Name                  delegation.Name // owner of the records
	Type                  uint16          // of the records
	Signer                delegation.Name // the zone
	Tag                   uint16          // of the key
	Algorithm             uint8
	Inception, Expiration time.Time

	labels int // that were signed: of a wildcard fewer than Name has
}

// Kind says what a zone answered.
type Kind string

// The kinds of answers.
const (
	Records Kind = "records" // of the type asked for
	Alias   Kind = "alias"   // CNAME or DNAME
	NoData  Kind = "nodata"  // the name has no record of the type
	NoName  Kind = "nxdomain"
)

// Answer is what a zone says about a name.
type Answer struct {
	Kind       Kind
	Alias      delegation.Name // Kind Alias: the canonical name
	Wildcard   bool            // the records come from a wildcard
	Proof      string          // "NSEC" or "NSEC3" where absence was proven
	Signatures []Signature
	Server     netip.AddrPort

	verdict Verdict
	reason  *Reason
}

// Signatures returns the signatures that the chain rests on, from the anchor
// down.
func (c *Chain) Signatures() []Signature {
	var all []Signature
	for _, l := range c.Links {
		all = append(all, l.Signatures...)
	}
	if c.Answer != nil {
		all = append(all, c.Answer.Signatures...)
	}
	return all
}

// end settles the verdict.
func (c *Chain) end(v Verdict, why *Reason) { c.Verdict, c.Reason = v, why }

// fail makes the reason's verdict the link's.
func (l *Link) fail(why *Reason) { l.Verdict, l.Reason = why.Verdict(), why }

// Worst returns the chain that decides for all: where one is bogus, the whole
// is; it is secure only where all are. It is nil for no chains.
func Worst(chains []*Chain) *Chain {
	order := []Verdict{Secure, Insecure, Indeterminate, Bogus}
	var worst *Chain
	for _, c := range chains {
		if worst == nil || slices.Index(order, c.Verdict) > slices.Index(order, worst.Verdict) {
			worst = c
		}
	}
	return worst
}
