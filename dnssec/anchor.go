package dnssec

import (
	"errors"
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// Anchors are the trust anchors: DS records of keys that are believed from the
// start, of the root or of any zone. Without any, everything is insecure.
type Anchors []*dns.DS

// rootAnchors are the root's key-signing keys of 2017 and 2024:
// https://data.iana.org/root-anchors/root-anchors.xml.
const rootAnchors = `
. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
. IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16
`

// RootAnchors returns the anchors of the Internet's root.
func RootAnchors() Anchors {
	anchors, err := ParseAnchors(rootAnchors)
	if err != nil {
		panic(err) // the text is a constant
	}
	return anchors
}

// ParseAnchors reads trust anchors: DS and DNSKEY records in master-file
// format, as resolvers keep them and dnssec-dsfromkey prints them.
func ParseAnchors(text string) (Anchors, error) {
	var anchors Anchors
	p := dns.NewZoneParser(strings.NewReader(text), ".", "")
	p.SetDefaultTTL(0)
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		ds, err := anchor(rr)
		if err != nil {
			return nil, err
		}
		anchors = append(anchors, ds)
	}
	switch {
	case p.Err() != nil:
		return nil, fmt.Errorf("reading trust anchors: %w", p.Err())
	case anchors == nil:
		return nil, errors.New("there is no DS or DNSKEY record among the trust anchors")
	}
	return anchors, nil
}

// anchor makes a DS record of a trust anchor.
func anchor(rr dns.RR) (*dns.DS, error) {
	switch rr := rr.(type) {
	case *dns.DS:
		rr.Hdr.Name = dns.CanonicalName(rr.Hdr.Name)
		return rr, nil
	case *dns.DNSKEY:
		rr.Hdr.Name = dns.CanonicalName(rr.Hdr.Name)
		if ds := rr.ToDS(dns.SHA256); ds != nil && isZoneKey(rr) {
			return ds, nil
		}
		return nil, fmt.Errorf("the DNSKEY record of %s with tag %d cannot be a trust anchor", rr.Hdr.Name, rr.KeyTag())
	}
	return nil, fmt.Errorf("a trust anchor is a DS or DNSKEY record, but %s has %s", rr.Header().Name, dns.Type(rr.Header().Rrtype))
}

// of returns the anchors of one zone.
func (a Anchors) of(zone delegation.Name) []*dns.DS {
	var set []*dns.DS
	for _, ds := range a {
		if canonical(ds.Hdr.Name) == zone {
			set = append(set, ds)
		}
	}
	return set
}
