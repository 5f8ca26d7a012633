package dnssec

import (
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// TestWords pins what people read.
func TestWords(t *testing.T) {
	server := netip.MustParseAddrPort("192.0.2.1:53")
	ds := []*dns.DS{{
		Hdr:    dns.RR_Header{Name: "example.", Rrtype: dns.TypeDS, Class: dns.ClassINET, Ttl: 60},
		KeyTag: 7, Algorithm: 13, DigestType: 2, Digest: "00",
	}, {KeyTag: 8, Algorithm: 200}}
	sig := &Signature{Signer: "example.", Tag: 9, Inception: begin, Expiration: end}
	base := Reason{Zone: "example.", Name: "www.example.", Type: dns.TypeTXT, Server: server, DS: ds, Fitting: ds[:1], Keys: []Key{{Tag: 9}}, Signature: sig, Now: today}
	for _, c := range []struct {
		code             Code
		text, hint, said string
	}{
		{NoAnchor, "there is no trust anchor for example. or a zone above it, says 192.0.2.1:53", "", ""},
		{NoDS, "zone www.example. is not signed: zone example. proves that there is no DS record for it, says 192.0.2.1:53", "", ""},
		{OptOut, "zone example. leaves names out of its NSEC3 records, which could be www.example., says 192.0.2.1:53", "", ""},
		{UnknownAlgorithm, "zone example. is signed with ECDSAP256SHA256, algorithm 200 only, which resolvers treat as unsigned, says 192.0.2.1:53", "", "Unsupported DNSKEY Algorithm"},
		{Uncheckable, "zone example. is signed with ECDSAP256SHA256, algorithm 200, which certctl cannot check, says 192.0.2.1:53", "", ""},
		{UnknownDigest, "the DS records of zone example. have unknown digest types only, which resolvers treat as unsigned, says 192.0.2.1:53", "", "Unsupported DS Digest Type"},
		{Iterations, "zone example. hashes names too often for its NSEC3 records, so that resolvers treat it as unsigned, says 192.0.2.1:53", "", "Unsupported NSEC3 Iterations Value"},
		{NoKey, "zone example. has DS records (key 7, key 8) but no DNSKEY records: it is not signed, says 192.0.2.1:53",
			"remove the DS record of example. from the zone above, or sign example. again", "DNSKEY Missing"},
		{WrongDS, "no key of zone example. (key 9) fits its DS records (key 7, key 8), says 192.0.2.1:53",
			"replace the DS records of example. in the zone above by: example. 60 IN DS 7 13 2 00", "DNSKEY Missing"},
		{Expired, "the signature of the TXT records of www.example. by zone example. (key 9) expired at 2026-12-01T00:00:00Z; it is 2026-11-11T11:11:11Z, says 192.0.2.1:53",
			"sign zone example. again, and see whether this server still gets its changes", "Signature Expired"},
		{NotYetValid, "the signature of the TXT records of www.example. by zone example. (key 9) is not valid before 2026-11-01T00:00:00Z; it is 2026-11-11T11:11:11Z, says 192.0.2.1:53",
			"compare the clocks of this host and of the signer of zone example.", "Signature Not Yet Valid"},
		{NoSignature, "the TXT records of www.example. in zone example. have no signature, says 192.0.2.1:53", "sign zone example. again, as a whole", "RRSIGs Missing"},
		{Stripped, "the TXT records of www.example. in zone example. come without a signature, as the server knows nothing of DNSSEC, says 192.0.2.1:53",
			"take the server out of the NS records of example., or give it the signed zone", "RRSIGs Missing"},
		{BadSign, "the signature of the TXT records of www.example. by zone example. (key 9) is not valid, says 192.0.2.1:53", "sign zone example. again, as a whole", "DNSSEC Bogus"},
		{NoProof, "zone example. does not prove that there are no TXT records of www.example., says 192.0.2.1:53", "sign zone example. again, as a whole", "NSEC Missing"},
		{Undelegated, "zone example. proves that it has no zone www.example. below it, says 192.0.2.1:53", "add NS records for www.example. to zone example.", "DNSSEC Bogus"},
	} {
		r := base
		r.Code = c.code
		if got := r.Error(); got != c.text {
			t.Errorf("%s: got %q, want %q", c.code, got, c.text)
		}
		if got := r.Hint(); got != c.hint {
			t.Errorf("%s: got hint %q, want %q", c.code, got, c.hint)
		}
		if got := r.EDE(); got != c.said {
			t.Errorf("%s: got extended error %q, want %q", c.code, got, c.said)
		}
	}
	lame := []*delegation.Error{{Type: dns.TypeTXT, Name: "www.example.", Server: server, Lame: true}}
	r := unanswered(delegation.Zone{Apex: "example."}, "www.example.", dns.TypeTXT, lame)
	if got, want := r.Hint(), r.Err.(*delegation.ServersError).Hint(); got != want || got == "" {
		t.Errorf("%s: got hint %q, want that of the servers: %q", NoAnswer, got, want)
	}
}
