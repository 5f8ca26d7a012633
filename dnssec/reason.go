package dnssec

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// Code is the stable name of a reason.
type Code string

// The reasons why a verdict is not Secure.
const (
	NoAnchor         Code = "no-anchor"         // insecure: no trust anchor for the zone or one above
	NoDS             Code = "no-ds"             // insecure: the parent proves that the zone is not signed
	OptOut           Code = "opt-out"           // insecure: NSEC3 records that leave names out (RFC 5155 §6)
	UnknownAlgorithm Code = "algorithm-unknown" // insecure: no DS of a known algorithm (RFC 4035 §5.2)
	UnknownDigest    Code = "digest-unknown"    // insecure: no DS of a known digest type (RFC 4035 §5.2)
	Iterations       Code = "nsec3-iterations"  // insecure: too many for resolvers (RFC 9276 §3.2)

	NoKey       Code = "dnskey-missing"          // bogus: a DS record without a signed child
	WrongDS     Code = "ds-mismatch"             // bogus: no DNSKEY fits the DS records
	Expired     Code = "signature-expired"       // bogus
	NotYetValid Code = "signature-not-yet-valid" // bogus
	NoSignature Code = "signature-missing"       // bogus
	Stripped    Code = "dnssec-stripped"         // bogus: the server does not hand out signatures at all
	BadSign     Code = "signature-invalid"       // bogus: of another key, another zone or other records
	NoProof     Code = "proof-missing"           // bogus: nothing shows that there are no records
	Undelegated Code = "undelegated"             // bogus: the parent proves that there is no such zone

	NoAnswer    Code = "no-answer"             // indeterminate: no server gave a usable answer
	Uncheckable Code = "algorithm-uncheckable" // indeterminate: resolvers know the algorithm, but we do not (Ed448)
)

// Reason says why a verdict is not Secure, with what was seen where.
type Reason struct {
	Code   Code
	Zone   delegation.Name // whose servers were asked
	Name   delegation.Name // owner of the records concerned
	Type   uint16          // their type
	Server netip.AddrPort  // that gave the evidence; invalid where several did

	Signature *Signature // Expired, NotYetValid, BadSign: the one that is wrong
	Now       time.Time  // Expired, NotYetValid: the clock that it was compared with
	DS        []*dns.DS  // NoKey, WrongDS, Unknown…: the ones in the parent
	Keys      []Key      // WrongDS: the keys of the zone
	Fitting   []*dns.DS  // WrongDS: DS records that would fit the zone's keys
	Anchored  bool       // NoKey, WrongDS: DS is the trust anchor
	Detail    string     // what else is to be said, in words
	Err       error      // NoAnswer: what the servers did instead
}

// Verdict returns the verdict that the reason leads to.
func (r *Reason) Verdict() Verdict {
	switch r.Code {
	case NoAnchor, NoDS, OptOut, UnknownAlgorithm, UnknownDigest, Iterations:
		return Insecure
	case NoAnswer, Uncheckable:
		return Indeterminate
	}
	return Bogus
}

// Error says in words what was seen, and at which server.
func (r *Reason) Error() string {
	text := r.text()
	if r.Detail != "" {
		text += " (" + r.Detail + ")"
	}
	if r.Server.IsValid() {
		text += ", says " + r.Server.String()
	}
	return text
}

func (r *Reason) text() string {
	what := fmt.Sprintf("the %s records of %s", dns.Type(r.Type), r.Name)
	switch r.Code {
	case NoAnchor:
		return fmt.Sprintf("there is no trust anchor for %s or a zone above it", r.Zone)
	case NoDS:
		return fmt.Sprintf("zone %s is not signed: zone %s proves that there is no DS record for it", r.Name, r.Zone)
	case OptOut:
		return fmt.Sprintf("zone %s leaves names out of its NSEC3 records, which could be %s", r.Zone, r.Name)
	case UnknownAlgorithm:
		return fmt.Sprintf("zone %s is signed with %s only, which resolvers treat as unsigned", r.Zone, algorithms(r.DS))
	case Uncheckable:
		return fmt.Sprintf("zone %s is signed with %s, which certctl cannot check", r.Zone, algorithms(r.DS))
	case UnknownDigest:
		return fmt.Sprintf("the DS records of zone %s have unknown digest types only, which resolvers treat as unsigned", r.Zone)
	case Iterations:
		return fmt.Sprintf("zone %s hashes names too often for its NSEC3 records, so that resolvers treat it as unsigned", r.Zone)
	case NoKey:
		return fmt.Sprintf("zone %s has %s (%s) but no DNSKEY records: it is not signed", r.Zone, r.above(), tagsOf(r.DS))
	case WrongDS:
		return fmt.Sprintf("no key of zone %s (%s) fits its %s (%s)", r.Zone, keyTags(r.Keys), r.above(), tagsOf(r.DS))
	case NoSignature:
		return fmt.Sprintf("%s in zone %s have no signature", what, r.Zone)
	case Stripped:
		return fmt.Sprintf("%s in zone %s come without a signature, as the server knows nothing of DNSSEC", what, r.Zone)
	case NoProof:
		return fmt.Sprintf("zone %s does not prove that there are no %s records of %s", r.Zone, dns.Type(r.Type), r.Name)
	case Undelegated:
		return fmt.Sprintf("zone %s proves that it has no zone %s below it", r.Zone, r.Name)
	case NoAnswer:
		return r.Err.Error()
	}
	return r.ofSignature(what)
}

// above says what vouches for the zone.
func (r *Reason) above() string {
	if r.Anchored {
		return "trust anchors"
	}
	return "DS records"
}

// ofSignature is the text for a signature that is there, but wrong.
func (r *Reason) ofSignature(what string) string {
	if r.Signature == nil {
		return fmt.Sprintf("the signature of %s in zone %s is not valid", what, r.Zone)
	}
	of := fmt.Sprintf("the signature of %s by zone %s (key %d)", what, r.Signature.Signer, r.Signature.Tag)
	switch r.Code {
	case Expired:
		return fmt.Sprintf("%s expired at %s; it is %s", of, stamp(r.Signature.Expiration), stamp(r.Now))
	case NotYetValid:
		return fmt.Sprintf("%s is not valid before %s; it is %s", of, stamp(r.Signature.Inception), stamp(r.Now))
	}
	return of + " is not valid"
}

// Unwrap returns what the servers did instead of answering.
func (r *Reason) Unwrap() error { return r.Err }

// Hint says what mends it.
func (r *Reason) Hint() string {
	if r.Anchored {
		return fmt.Sprintf("set `resolver: trust_anchors:` to a file with the DS records of the zone %s that is served here", r.Zone)
	}
	switch r.Code {
	case NoKey:
		return fmt.Sprintf("remove the DS record of %s from the zone above, or sign %[1]s again", r.Zone)
	case WrongDS:
		return fmt.Sprintf("replace the DS records of %s in the zone above by: %s", r.Zone, records(r.Fitting))
	case Expired:
		return fmt.Sprintf("sign zone %s again, and see whether this server still gets its changes", r.Zone)
	case NotYetValid:
		return fmt.Sprintf("compare the clocks of this host and of the signer of zone %s", r.Zone)
	case Stripped:
		return fmt.Sprintf("take the server out of the NS records of %s, or give it the signed zone", r.Zone)
	case NoSignature, BadSign, NoProof:
		return fmt.Sprintf("sign zone %s again, as a whole", r.Zone)
	case NoAnswer:
		return hint(r.Err)
	case Undelegated:
		return fmt.Sprintf("add NS records for %s to zone %s", r.Name, r.Zone)
	}
	return ""
}

// hint returns the hint that an error has.
func hint(err error) string {
	if h, ok := err.(interface{ Hint() string }); ok {
		return h.Hint()
	}
	return ""
}

// EDE returns the extended error code (RFC 8914 §4) with which a resolver says
// the same, as it then is in the CA's message; or "".
func (r *Reason) EDE() string {
	codes := map[Code]uint16{
		UnknownAlgorithm: dns.ExtendedErrorCodeUnsupportedDNSKEYAlgorithm,
		UnknownDigest:    dns.ExtendedErrorCodeUnsupportedDSDigestType,
		Iterations:       27,
		NoKey:            dns.ExtendedErrorCodeDNSKEYMissing,
		WrongDS:          dns.ExtendedErrorCodeDNSKEYMissing,
		Expired:          dns.ExtendedErrorCodeSignatureExpired,
		NotYetValid:      dns.ExtendedErrorCodeSignatureNotYetValid,
		NoSignature:      dns.ExtendedErrorCodeRRSIGsMissing,
		Stripped:         dns.ExtendedErrorCodeRRSIGsMissing,
		BadSign:          dns.ExtendedErrorCodeDNSBogus,
		NoProof:          dns.ExtendedErrorCodeNSECMissing,
		Undelegated:      dns.ExtendedErrorCodeDNSBogus,
	}
	code, ok := codes[r.Code]
	switch {
	case !ok:
		return ""
	case code == 27:
		return "Unsupported NSEC3 Iterations Value"
	}
	return dns.ExtendedErrorCodeToString[code]
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func tagsOf(set []*dns.DS) string {
	var tags []string
	for _, ds := range set {
		tags = append(tags, fmt.Sprintf("key %d", ds.KeyTag))
	}
	return strings.Join(tags, ", ")
}

func keyTags(keys []Key) string {
	var tags []string
	for _, k := range keys {
		tags = append(tags, fmt.Sprintf("key %d", k.Tag))
	}
	return strings.Join(tags, ", ")
}

func records(set []*dns.DS) string {
	var texts []string
	for _, ds := range set {
		texts = append(texts, strings.Join(strings.Fields(ds.String()), " "))
	}
	return strings.Join(texts, "; ")
}

func algorithms(set []*dns.DS) string {
	var names []string
	for _, ds := range set {
		name, ok := dns.AlgorithmToString[ds.Algorithm]
		if !ok {
			name = fmt.Sprintf("algorithm %d", ds.Algorithm)
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}
