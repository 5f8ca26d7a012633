package dnssec

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/lab/authority"
)

const exampleText = `
	www            TXT   here
	*.wild         TXT   wild
	a.b            TXT   "below an empty non-terminal"
	alias          CNAME www
	out            CNAME www.plain.test.
	round          CNAME trip
	trip           CNAME round
	tree           DNAME plain.test.
`

func TestValidate(t *testing.T) {
	w := newWorld(exampleText)
	for name, want := range map[delegation.Name]string{
		"www.example.test.":    "secure . test. example.test. records",
		"x.wild.example.test.": "secure . test. example.test. records *",
		"b.example.test.":      "secure . test. example.test. nodata",
		"example.test.":        "secure . test. example.test. nodata",
		"none.example.test.":   "secure . test. example.test. nxdomain",
		"alias.example.test.":  "secure . test. example.test. alias → www.example.test.",
		"x.tree.example.test.": "secure . test. example.test. alias → x.plain.test.",
		"www.plain.test.":      "insecure no-ds . test. plain.test.(insecure) records",
		"none.plain.test.":     "insecure no-ds . test. plain.test.(insecure) nxdomain",
		"none.test.":           "secure . test. nxdomain",
		".":                    "secure . nodata",
	} {
		if got := show(w.validate(t, name)); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// only spoils the answers to one question.
func only(name delegation.Name, qtype uint16, spoil func(r *dns.Msg)) func(*dns.Msg, string) {
	return func(r *dns.Msg, _ string) {
		if asks(r, name, qtype) {
			spoil(r)
		}
	}
}

// without drops all records of some types.
func without(unwanted ...uint16) func(r *dns.Msg) {
	return func(r *dns.Msg) {
		for _, rrtype := range unwanted {
			drop(r, ofType(rrtype))
		}
	}
}

// spoiling spoils answers in one way.
type spoiling struct {
	name  string
	ask   delegation.Name
	spoil func(r *dns.Msg, addr string)
	want  string
}

func spoilings() []spoiling {
	const www, none, wild = "www.example.test.", "none.example.test.", "x.wild.example.test."
	return []spoiling{
		{"no signature", www, only(www, dns.TypeTXT, without(dns.TypeRRSIG)),
			"bogus signature-missing . test. example.test. records"},
		{"no EDNS", www, only(www, dns.TypeTXT, func(r *dns.Msg) { without(dns.TypeRRSIG)(r); r.Extra = nil }),
			"bogus dnssec-stripped . test. example.test. records"},
		{"other records", www, only(www, dns.TypeTXT, func(r *dns.Msg) { r.Answer[0].(*dns.TXT).Txt[0] = "there" }),
			"bogus signature-invalid . test. example.test. records"},
		{"no NSEC", none, only(none, dns.TypeTXT, without(dns.TypeNSEC)),
			"bogus proof-missing . test. example.test. nodata"},
		{"no signature over NSEC", none, only(none, dns.TypeTXT, without(dns.TypeRRSIG)),
			"bogus signature-missing . test. example.test. nodata"},
		{"no NSEC for a wildcard", wild, only(wild, dns.TypeTXT, without(dns.TypeNSEC)),
			"bogus proof-missing . test. example.test. records *"},
		{"NXDOMAIN for what exists", www, only(www, dns.TypeTXT, func(r *dns.Msg) { r.Answer, r.Rcode = nil, dns.RcodeNameError }),
			"bogus proof-missing . test. example.test. nodata"},
		{"no proof of no DS", "www.plain.test.", only("plain.test.", dns.TypeDS, without(dns.TypeNSEC)),
			"bogus proof-missing . test. plain.test.(bogus)"},
		{"no DS", www, only("example.test.", dns.TypeDS, without(dns.TypeDS, dns.TypeRRSIG)),
			"bogus proof-missing . test. example.test.(bogus)"},
		{"unsigned DS", www, only("example.test.", dns.TypeDS, without(dns.TypeRRSIG)),
			"bogus signature-missing . test. example.test.(bogus)"},
		{"no keys", www, only("example.test.", dns.TypeDNSKEY, without(dns.TypeDNSKEY)),
			"bogus dnskey-missing . test. example.test.(bogus)"},
		{"no keys of the root", www, only(".", dns.TypeDNSKEY, without(dns.TypeDNSKEY)),
			"bogus dnskey-missing .(bogus)"},
		{"other keys", www, only("example.test.", dns.TypeDNSKEY, func(r *dns.Msg) { r.Answer[0].(*dns.DNSKEY).Flags = dns.ZONE }),
			"bogus ds-mismatch . test. example.test.(bogus)"},
		{"revoked keys", www, only("example.test.", dns.TypeDNSKEY, func(r *dns.Msg) { r.Answer[0].(*dns.DNSKEY).Flags |= dns.REVOKE }),
			"bogus ds-mismatch . test. example.test.(bogus)"},
		{"unsigned keys", www, only("example.test.", dns.TypeDNSKEY, without(dns.TypeRRSIG)),
			"bogus signature-missing . test. example.test.(bogus)"},
		{"SERVFAIL for the keys", www, only("example.test.", dns.TypeDNSKEY, func(r *dns.Msg) { r.Rcode = dns.RcodeServerFailure }),
			"indeterminate no-answer . test. example.test.(indeterminate)"},
		{"lame for the DS", www, only("example.test.", dns.TypeDS, func(r *dns.Msg) { r.Authoritative = false }),
			"indeterminate no-answer . test. example.test.(indeterminate)"},
		{"REFUSED for the records", www, only(www, dns.TypeTXT, func(r *dns.Msg) { r.Rcode = dns.RcodeRefused }),
			"indeterminate no-answer . test. example.test."},
	}
}

func TestReasons(t *testing.T) {
	for _, c := range spoilings() {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(exampleText)
			w.spoil = c.spoil
			chain := w.validate(t, c.ask)
			if got := show(chain); got != c.want {
				t.Errorf("got %s, want %s (%v)", got, c.want, chain.Reason)
			}
			if chain.Reason.Error() == "" || chain.Reason.Verdict() != chain.Verdict {
				t.Errorf("got reason %v with verdict %s, want text and %s", chain.Reason, chain.Reason.Verdict(), chain.Verdict)
			}
		})
	}
}

// TestForeignKey adds a key to a zone's, which has signed them all.
func TestForeignKey(t *testing.T) {
	w := newWorld(exampleText)
	key, private := newKey("elsewhere.")
	key.Hdr.Name = "example.test."
	w.spoil = func(r *dns.Msg, _ string) {
		if asks(r, "example.test.", dns.TypeDNSKEY) {
			keys := []dns.RR{r.Answer[0], key}
			r.Answer = append(keys, w.zones["example.test."].signature(keys, "example.test.", key, private))
		}
	}
	if got, want := show(w.validate(t, "www.example.test.")), "bogus signature-invalid . test. example.test.(bogus)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestStrayDNAME has a DNAME record in an answer that it has nothing to do with.
func TestStrayDNAME(t *testing.T) {
	w := newWorld(exampleText)
	w.spoil = func(r *dns.Msg, _ string) {
		if asks(r, "www.example.test.", dns.TypeTXT) {
			rr, _ := dns.NewRR("tree.example.test. 60 DNAME plain.test.")
			r.Answer = append([]dns.RR{rr}, r.Answer...)
		}
	}
	if got, want := show(w.validate(t, "www.example.test.")), "secure . test. example.test. records"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestClock moves the clock over the ends of the signatures' validity.
func TestClock(t *testing.T) {
	w := newWorld(exampleText)
	for _, c := range []struct {
		now  time.Time
		want string
	}{
		{begin.Add(-time.Second), "bogus signature-not-yet-valid .(bogus)"},
		{begin, "secure . test. example.test. records"},
		{end, "secure . test. example.test. records"},
		{end.Add(time.Second), "bogus signature-expired .(bogus)"},
	} {
		v := w.validator()
		v.Now = func() time.Time { return c.now }
		chain, err := v.Validate(t.Context(), "www.example.test.", dns.TypeTXT)
		if err != nil {
			t.Fatal(err)
		}
		if got := show(chain); got != c.want {
			t.Errorf("at %v: got %s, want %s", c.now, got, c.want)
		}
		if chain.Reason != nil && !strings.Contains(chain.Reason.Error(), c.now.Format(time.RFC3339)) {
			t.Errorf("at %v: got %q, want the clock in it", c.now, chain.Reason)
		}
		if chain.Reason != nil {
			continue
		}
		soonest := slices.MinFunc(chain.Signatures(), func(a, b Signature) int { return a.Expiration.Compare(b.Expiration) })
		if !soonest.Expiration.Equal(end) {
			t.Errorf("got a chain that expires %v, want %v", soonest.Expiration, end)
		}
	}
}

// TestLapses has one of two servers hand out old signatures.
func TestLapses(t *testing.T) {
	for _, bad := range []string{"ns1.example.test.", "ns2.example.test."} {
		w := newWorld(exampleText)
		w.spoil = func(r *dns.Msg, addr string) {
			if addr == w.Server(bad).Addr().String() {
				drop(r, ofType(dns.TypeRRSIG))
			}
		}
		c := w.validate(t, "www.example.test.")
		if got, want := show(c), "secure . test. example.test. records"; got != want {
			t.Errorf("%s is bad: got %s, want %s", bad, got, want)
		}
		if len(c.Lapses) != 1 || c.Lapses[0].Server != w.Server(bad).Addr() || c.Lapses[0].Code != NoSignature {
			t.Errorf("%s is bad: got lapses %v, want its missing signature", bad, c.Lapses)
		}
	}
}

// TestDeadServer asks the other server, and asks the dead one last from then on.
func TestDeadServer(t *testing.T) { synctest.Test(t, testDeadServer) }

func testDeadServer(t *testing.T) {
	w := newWorld(exampleText)
	v := w.validator()
	w.Server("ns1.example.test.").Fault(authority.Fault{Dead: true})
	c, err := v.Validate(t.Context(), "www.example.test.", dns.TypeTXT)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := show(c), "secure . test. example.test. records"; got != want {
		t.Errorf("got %s, want %s (%v)", got, want, c.Reason)
	}
	last := v.serversOf(delegation.Zone{Servers: []delegation.Server{
		{Name: "ns1.example.test.", Addrs: w.Server("ns1.example.test.").Addrs()},
		{Name: "ns2.example.test.", Addrs: w.Server("ns2.example.test.").Addrs()},
	}})
	if last[1].host != "ns1.example.test." {
		t.Errorf("got %v to be asked, want the dead server last", last)
	}
}

// TestSilence has servers that answer no question about signatures. There is an
// end to waiting for them, and an answer that is bad counts for more than none.
func TestSilence(t *testing.T) { synctest.Test(t, testSilence) }

func testSilence(t *testing.T) {
	for speaking, want := range map[string]string{
		"":                  "indeterminate no-answer . test. example.test.(indeterminate)",
		"ns1.example.test.": "bogus signature-missing . test. example.test.(bogus)",
		"ns2.example.test.": "bogus signature-missing . test. example.test.(bogus)",
	} {
		w := newWorld(exampleText)
		w.silent = func(q dns.Question, addr string) bool {
			return q.Qtype == dns.TypeDNSKEY && canonical(q.Name) == "example.test." && (speaking == "" || addr != w.Server(speaking).Addr().String())
		}
		w.spoil = only("example.test.", dns.TypeDNSKEY, without(dns.TypeRRSIG))
		begin := time.Now()
		c := w.validate(t, "www.example.test.")
		if got := show(c); got != want {
			t.Errorf("only %q speaks: got %s, want %s", speaking, got, want)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("only %q speaks: it took %v", speaking, took)
		}
	}
}

func TestAnchors(t *testing.T) {
	w := newWorld(exampleText)
	example := w.zones["example.test."].key
	for _, c := range []struct {
		name    string
		anchors Anchors
		ask     delegation.Name
		want    string
	}{
		{"none", nil, "www.example.test.", "insecure no-anchor .(insecure) test.(insecure) example.test.(insecure) records"},
		{"of a zone below", Anchors{example.ToDS(dns.SHA384)}, "www.example.test.", "secure example.test. records"},
		{"of two zones", Anchors{w.zones[root].key.ToDS(dns.SHA256), example.ToDS(dns.SHA256)}, "www.example.test.", "secure example.test. records"},
		{"of another zone", Anchors{example.ToDS(dns.SHA256)}, "www.plain.test.", "insecure no-anchor .(insecure) test.(insecure) plain.test.(insecure) records"},
		{"of the Internet", RootAnchors(), "www.example.test.", "bogus ds-mismatch .(bogus)"},
	} {
		v := w.validator()
		v.Anchors = c.anchors
		chain, err := v.Validate(t.Context(), c.ask, dns.TypeTXT)
		if err != nil {
			t.Fatal(err)
		}
		if got := show(chain); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestFollow(t *testing.T) {
	w := newWorld(exampleText)
	v := w.validator()
	for name, want := range map[delegation.Name][]delegation.Name{
		"www.example.test.":    {"www.example.test."},
		"out.example.test.":    {"out.example.test.", "www.plain.test."},
		"back.plain.test.":     {"back.plain.test.", "www.example.test."},
		"round.example.test.":  {"round.example.test.", "trip.example.test."},
		"x.tree.example.test.": {"x.tree.example.test.", "x.plain.test."},
	} {
		chains, err := v.Follow(t.Context(), name, dns.TypeTXT)
		if err != nil {
			t.Fatal(err)
		}
		if len(chains) != len(want) {
			t.Errorf("%s: got %d chains, want %v", name, len(chains), want)
			continue
		}
		for i := range want {
			if chains[i].Name != want[i] {
				t.Errorf("%s: got chain %d of %s, want %s", name, i, chains[i].Name, want[i])
			}
		}
	}
	chains, _ := v.Follow(t.Context(), "back.plain.test.", dns.TypeTXT)
	if worst := Worst(chains); worst.Verdict != Insecure {
		t.Errorf("an insecure alias of a secure name: got %s, want insecure", worst.Verdict)
	}
}

// TestMemory validates many names at once: each zone's keys are asked for once.
func TestMemory(t *testing.T) {
	w := newWorld(exampleText)
	v := w.validator()
	var running sync.WaitGroup
	for range 50 {
		running.Go(func() {
			if c, err := v.Validate(t.Context(), "www.example.test.", dns.TypeTXT); err != nil || c.Verdict != Secure {
				t.Errorf("got %v, %v, want a secure chain", c, err)
			}
		})
	}
	running.Wait()
	asked := map[string]int{}
	for _, q := range w.Queries() {
		asked[q.Type]++
	}
	if asked["DNSKEY"] != 3 || asked["DS"] != 2 {
		t.Errorf("got %d questions for keys and %d for DS records, want 3 and 2", asked["DNSKEY"], asked["DS"])
	}
}

func TestCancelled(t *testing.T) {
	w := newWorld(exampleText)
	v := w.validator()
	ctx, cancel := context.WithCancel(t.Context())
	w.spoil = func(*dns.Msg, string) { cancel() }
	if c, err := v.Validate(ctx, "www.example.test.", dns.TypeTXT); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, %v, want the cancellation", c, err)
	}
	w.spoil = nil
	if c, err := v.Validate(t.Context(), "www.example.test.", dns.TypeTXT); err != nil || c.Verdict != Secure {
		t.Errorf("afterwards: got %v, %v, want a secure chain", c, err)
	}
}
