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

// TestSigner refuses the signature of a zone over records of another.
func TestSigner(t *testing.T) {
	w := newWorld("")
	zone, parent := w.zones["example.test."], w.zones["test."]
	rr, err := dns.NewRR("www.example.test. 60 TXT here")
	if err != nil {
		t.Fatal(err)
	}
	s := &set{name: "www.example.test.", rrtype: dns.TypeTXT, rrs: []dns.RR{rr}}
	s.sigs = []*dns.RRSIG{parent.signature(s.rrs, s.name, parent.key, parent.private)}
	keys := []*dns.DNSKEY{zone.key, parent.key}
	if by, why := (checker{"example.test.", keys, today}).check(s); why == nil || why.Code != BadSign {
		t.Errorf("got %+v, %v, want the reason %s", by, why, BadSign)
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
		{set(dns.RSAMD5, 2, dns.DSA, 2, dns.ECCGOST, 3), 0, UnknownAlgorithm},
	} {
		got, why := usable("example.", c.ds)
		if len(got) != c.want || (why == nil) != (c.code == "") || why != nil && why.Code != c.code {
			t.Errorf("%v: got %v, %v, want %d and %q", c.ds, got, why, c.want, c.code)
		}
	}
}
