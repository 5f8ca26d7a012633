package check

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/dnssec"
)

// lookAtSignatures finds out whether a validating resolver believes what is said
// of each zone: what there is and what there is not.
func (r *run) lookAtSignatures(ctx context.Context, zones []Hosted) {
	v := r.validator()
	each(r, r.zones, func(z *zone) (fs findings) {
		var chains []*dnssec.Chain
		for _, q := range signedQuestions(z.apex) {
			c, err := v.Validate(ctx, q.name, q.qtype)
			if err != nil {
				return nil // that the zone cannot be found was said
			}
			chains = append(chains, c)
		}
		fs.chains(z.apex.Bare(), chains)
		switch worst := dnssec.Worst(chains); {
		case ctx.Err() != nil:
			return nil
		case worst.Verdict == dnssec.Secure && !slices.ContainsFunc(chains, isEndingChain):
			r.lookForEnds(ctx, z, &fs)
		case unvouched(worst, z.apex) && isSigned(zones, z.apex):
			r.withoutDS(ctx, z, worst.Reason.Zone, &fs)
		}
		return fs
	})
}

type question struct {
	name  delegation.Name
	qtype uint16
}

// signedQuestions are for records, no records, and no name.
func signedQuestions(apex delegation.Name) []question {
	unknown := delegation.Name("certctl-" + strings.ToLower(rand.Text()[:12]) + "." + apex.String())
	return []question{{apex, dns.TypeSOA}, {apex, dns.TypeLOC}, {unknown, dns.TypeTXT}}
}

func isEndingChain(c *dnssec.Chain) bool {
	_, ok := ending(c)
	return ok
}

// unvouched reports whether a chain ends because the zone above says nothing
// about the zone's key.
func unvouched(c *dnssec.Chain, apex delegation.Name) bool {
	return c.Verdict == dnssec.Insecure && c.Reason.Code == dnssec.NoDS && c.Reason.Name == apex
}

func isSigned(zones []Hosted, apex delegation.Name) bool {
	return slices.ContainsFunc(zones, func(h Hosted) bool { return h.Apex == apex && h.Signed })
}

// withoutDS says which DS record a zone lacks: one of the keys that it has.
func (r *run) withoutDS(ctx context.Context, z *zone, above delegation.Name, fs *findings) {
	m := r.ask(ctx, z.named, z.apex, dns.TypeDNSKEY)
	if m == nil {
		return // that no server answers was said
	}
	var lines []string
	for _, rr := range m.Answer {
		if key, ok := rr.(*dns.DNSKEY); ok && key.Flags&dns.SEP != 0 {
			if ds := key.ToDS(dns.SHA256); ds != nil {
				lines = append(lines, fmt.Sprintf("%s DS %d %d %d %s", z.apex, ds.KeyTag, ds.Algorithm, ds.DigestType, ds.Digest))
			}
		}
	}
	fs.add("ds-missing", z.apex.Bare(), fmt.Sprintf("%s is signed, but zone %s has no DS record for it: nobody validates it", z.apex.Bare(), above.Bare()),
		fmt.Sprintf("add to zone %s:\n%s", above.Bare(), strings.Join(lines, "\n")))
}

// lookForEnds looks at the signatures that single servers hand out: a secondary
// that gets no new ones will be the only one whose signatures end.
func (r *run) lookForEnds(ctx context.Context, z *zone, fs *findings) {
	for _, s := range z.usable() {
		m, err := r.client.Signed().Ask(ctx, s.addr, z.apex, dns.TypeSOA, false)
		if err != nil {
			continue
		}
		for _, rr := range m.Answer {
			sig, ok := rr.(*dns.RRSIG)
			if !ok {
				continue
			}
			from, until := time.Unix(int64(sig.Inception), 0), time.Unix(int64(sig.Expiration), 0)
			if !isEnding(from, until) {
				continue
			}
			fs.add("dnssec-expiring", z.apex.Bare(), fmt.Sprintf("%s has signatures of zone %s that expire at %s, and were made for %v", s, z.apex.Bare(), until.UTC().Format(time.RFC3339), until.Sub(from)),
				"does it get the zone? compare its serial with that of the primary", Evidence{s.String(), "RRSIG SOA " + z.apex.Bare(), fmt.Sprintf("key %d", sig.KeyTag)})
		}
	}
}
