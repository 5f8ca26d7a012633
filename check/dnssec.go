package check

import (
	"context"
	"fmt"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/dnssec"
)

// Signatures that were made for longer than long should not be left until soon
// before their end. Servers that sign each answer make them for hours only.
const (
	long = 3 * 24 * time.Hour
	soon = 24 * time.Hour
)

// lookAtDNSSEC finds out whether a validating resolver believes what is said of
// each name on the way to the validation record, and of the CAA records.
func (r *run) lookAtDNSSEC(ctx context.Context) {
	v := r.validator()
	each(r, r.located(), func(p *place) (fs findings) {
		if p.target.Proxied {
			return nil
		}
		start := pick(p.Follow.Owner != "", p.Follow.Owner, p.challenge)
		way, err := v.Follow(ctx, start, dns.TypeTXT)
		if err != nil {
			return nil // the same was found, or was not, on the way to the owner
		}
		bound, err := v.Follow(ctx, p.base(), dns.TypeCAA)
		if err == nil && decides(bound) {
			way = append(way, bound...)
		}
		fs.chains(p.Domain, way)
		return fs
	})
}

func (r *run) validator() *dnssec.Validator {
	v := &dnssec.Validator{Resolver: r.Resolver, Client: r.client, Anchors: r.Anchors}
	if v.Anchors == nil && !r.private() {
		v.Anchors = dnssec.RootAnchors()
	}
	return v
}

// decides reports whether the chains have something to say beyond what is fine.
func decides(chains []*dnssec.Chain) bool {
	w := dnssec.Worst(chains)
	return w != nil && w.Verdict == dnssec.Bogus
}

// chains says what became of the chains of trust.
func (fs *findings) chains(subject string, chains []*dnssec.Chain) {
	told := map[string]bool{}
	for _, c := range chains {
		for _, lapse := range c.Lapses {
			if text := lapse.Error(); !told[text] {
				told[text] = true
				fs.add("dnssec-lapse", subject, text, lapse.Hint(), proof(lapse)...)
			}
		}
		if sig, ok := ending(c); ok && !told["ending "+sig.Signer.Bare()] {
			told["ending "+sig.Signer.Bare()] = true
			fs.add("dnssec-expiring", subject, fmt.Sprintf("a signature of zone %s expires at %s, and was made for %v", sig.Signer.Bare(), sig.Expiration.UTC().Format(time.RFC3339), sig.Expiration.Sub(sig.Inception)),
				"the zone should have been signed anew: look at its signer", Evidence{Record: fmt.Sprintf("RRSIG %s %s", dns.Type(sig.Type), sig.Name.Bare()), Value: "key " + fmt.Sprint(sig.Tag)})
		}
	}
	worst := dnssec.Worst(chains)
	if worst == nil {
		return
	}
	switch why := worst.Reason; worst.Verdict {
	case dnssec.Secure:
		fs.add("dnssec-secure", subject, "every zone on the way is signed, and its signatures are good", "")
	case dnssec.Insecure:
		fs.add("dnssec-insecure", subject, "not every zone on the way is signed, which is fine: "+why.Error(), "")
	case dnssec.Bogus:
		fs.add("dnssec-bogus", subject, fmt.Sprintf("validating resolvers reject what is said of %s (%s): %v", worst.Name.Bare(), why.Code, why), why.Hint(), proof(why)...)
	default:
		fs.add("dnssec-unknown", subject, fmt.Sprintf("whether validating resolvers believe what is said of %s cannot be seen: %v", worst.Name.Bare(), why), why.Hint(), proof(why)...)
	}
}

// ending returns a signature of a good chain that is about to expire.
func ending(c *dnssec.Chain) (dnssec.Signature, bool) {
	for _, s := range c.Signatures() {
		if c.Verdict == dnssec.Secure && isEnding(s.Inception, s.Expiration) {
			return s, true
		}
	}
	return dnssec.Signature{}, false
}

func isEnding(from, until time.Time) bool { return until.Sub(from) > long && time.Until(until) < soon }

// proof is where a reason was seen.
func proof(r *dnssec.Reason) []Evidence {
	e := Evidence{Record: dns.Type(r.Type).String() + " " + r.Name.Bare(), Value: string(r.Code)}
	if r.Server.IsValid() {
		e.Server = at(delegation.Name(""), r.Server)
	}
	if ede := r.EDE(); ede != "" {
		e.Value += " (" + ede + ")"
	}
	return []Evidence{e}
}
