package dnssec

import (
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// TestCheckBound hides a good signature behind many that are not.
func TestCheckBound(t *testing.T) {
	w := newWorld("")
	zone := w.zones["test."]
	rr, err := dns.NewRR("www.test. 60 TXT here")
	if err != nil {
		t.Fatal(err)
	}
	good := zone.signature([]dns.RR{rr}, "www.test.", zone.key, zone.private)
	bad := dns.Copy(good).(*dns.RRSIG)
	bad.Signature = zone.signature([]dns.RR{rr}, "mail.test.", zone.key, zone.private).Signature
	c := checker{"test.", []*dns.DNSKEY{zone.key}, today}
	for n, want := range map[int]Code{0: "", maxChecks - 1: "", maxChecks: BadSign} {
		s := &set{name: "www.test.", rrtype: dns.TypeTXT, rrs: []dns.RR{rr}}
		s.sigs = append(slices.Repeat([]*dns.RRSIG{bad}, n), good)
		got := Code("")
		if _, why := c.check(s); why != nil {
			got = why.Code
		}
		if got != want {
			t.Errorf("after %d bad signatures: got %q, want %q", n, got, want)
		}
	}
}

// TestSigner refuses signatures of other zones, over records of other zones, and
// by keys that are revoked.
func TestSigner(t *testing.T) {
	w := newWorld("")
	zone, parent := w.zones["example.test."], w.zones["test."]
	revoked := dns.Copy(zone.key).(*dns.DNSKEY)
	revoked.Flags |= dns.REVOKE
	keys := []*dns.DNSKEY{zone.key, parent.key, revoked}
	for _, c := range []struct {
		owner  delegation.Name
		signer *signer
		key    *dns.DNSKEY
		want   Code
	}{
		{"www.example.test.", zone, zone.key, ""},
		{"www.example.test.", parent, parent.key, BadSign},
		{"myexample.test.", zone, zone.key, BadSign},
		{"www.example.test.", zone, revoked, BadSign},
	} {
		rr, err := dns.NewRR(string(c.owner) + " 60 TXT here")
		if err != nil {
			t.Fatal(err)
		}
		s := &set{name: c.owner, rrtype: dns.TypeTXT, rrs: []dns.RR{rr}}
		s.sigs = []*dns.RRSIG{c.signer.signature(s.rrs, s.name, c.key, c.signer.private)}
		got := Code("")
		if _, why := (checker{"example.test.", keys, today}).check(s); why != nil {
			got = why.Code
		}
		if got != c.want {
			t.Errorf("%s signed by %s (key %d): got %q, want %q", c.owner, c.signer.Apex(), c.key.KeyTag(), got, c.want)
		}
	}
}

// TestSets has one set in two spellings, which another class, a stray signature
// and another type have no part in.
func TestSets(t *testing.T) {
	zone := newWorld("").zones["test."]
	var section []dns.RR
	for _, text := range []string{"WWW.test. 60 TXT a", "www.TEST. 60 TXT b", "www.test. 60 CH TXT c", "www.test. 60 A 127.0.0.1"} {
		rr, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		section = append(section, rr)
	}
	signed := []dns.RR{dns.Copy(section[0]), dns.Copy(section[1])}
	for _, rr := range signed {
		rr.Header().Name = "www.test."
	}
	stray := zone.signature(signed, "www.test.", zone.key, zone.private)
	stray.TypeCovered = dns.TypeMX
	all := sets(append(section, stray, zone.signature(signed, "www.test.", zone.key, zone.private)))
	if len(all) != 2 || len(all[0].rrs) != 2 || len(all[0].sigs) != 1 || len(all[1].sigs) != 0 {
		t.Fatalf("got %+v, want two TXT records with a signature, and one A record", all)
	}
	if _, why := (checker{"test.", []*dns.DNSKEY{zone.key}, today}).check(&all[0]); why != nil {
		t.Errorf("got %v, want a valid signature", why)
	}
}

// TestNear reads the 32-bit times of signatures around the year in which they
// begin again.
func TestNear(t *testing.T) {
	for _, now := range []time.Time{today, time.Date(2106, 2, 7, 0, 0, 0, 0, time.UTC), time.Date(2110, 1, 1, 0, 0, 0, 0, time.UTC)} {
		for _, want := range []time.Time{now.Add(-30 * 24 * time.Hour), now, now.Add(30 * 24 * time.Hour)} {
			if got := near(uint32(want.Unix()), now); !got.Equal(want) {
				t.Errorf("at %v: got %v, want %v", now, got, want)
			}
		}
	}
}

// TestCompare has the names of RFC 4034 §6.1, in their order.
func TestCompare(t *testing.T) {
	names := []delegation.Name{
		"example.", "a.example.", "yljkjljk.a.example.", "z.a.example.", "zabc.a.example.",
		"z.example.", `\001.z.example.`, "*.z.example.", `\200.z.example.`,
	}
	for i, a := range names {
		for j, b := range names {
			if got := compare(a, b); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("%s and %s: got %d", a, b, got)
			}
		}
	}
}

func TestUsable(t *testing.T) {
	set := func(pairs ...uint8) []*dns.DS {
		var all []*dns.DS
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, &dns.DS{Algorithm: pairs[i], DigestType: pairs[i+1]})
		}
		return all
	}
	for _, c := range []struct {
		ds   []*dns.DS
		want int
		code Code
	}{
		{set(13, 2), 1, ""},
		{set(13, 1), 1, ""},
		{set(13, 1, 13, 2), 1, ""},
		{set(13, 2, 8, 2, 200, 2), 2, ""},
		{set(13, 200), 0, UnknownDigest},
		{set(200, 2), 0, UnknownAlgorithm},
		{set(200, 2, dns.ED448, 2), 0, Uncheckable},
		{set(13, 2, dns.ED448, 2), 1, ""},
		{set(dns.RSAMD5, 2, dns.DSA, 2, dns.ECCGOST, 3), 0, UnknownAlgorithm},
	} {
		got, why := usable("example.", c.ds)
		if len(got) != c.want || (why == nil) != (c.code == "") || why != nil && why.Code != c.code {
			t.Errorf("%v: got %v, %v, want %d and %q", c.ds, got, why, c.want, c.code)
		}
	}
}
