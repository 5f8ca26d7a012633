package debian_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/dnssec"
	"certctl/lab/debian"
)

// signedZone is test., which each brand signs in its own way.
const signedZone = soa + `
www                          TXT   "here"
*.wild                       TXT   "wild"
*.wild                       A     127.0.0.1
a.b.ent                      TXT   "below empty non-terminals"
_acme-challenge.to-secure    CNAME www.secure
_acme-challenge.to-unsigned  CNAME www.unsigned
_acme-challenge.to-expired   CNAME www.expired
_acme-challenge.to-nothing   CNAME nothing.secure
_acme-challenge.to-there     CNAME _acme-challenge.back.unsigned
*.every                      CNAME www.secure
tree                         DNAME secure
`

// childText is what every zone below test. has.
const childText = soa + `
www                   TXT   "here"
*.wild                TXT   "wild"
_acme-challenge.back  CNAME www.expired.test.
`

// flaw is a zone below test. with something wrong.
type flaw struct {
	name  string // of the zone
	how   debian.Signing
	plain bool                     // not signed
	spoil func(text string) string // what is done to the text once it is signed
	ds    func(ds string) string   // what becomes of the DS records
	names map[string]dnssec.Code   // what is wrong with TXT records at these names of the zone
}

// noDS leaves the DS records out of the parent.
func noDS(string) string { return "" }

// dsWith puts another number into a field of a DS record: 4 is the key tag, 5
// the algorithm, 6 the digest type.
func dsWith(field int, value string) func(string) string {
	return func(ds string) string {
		words := strings.Fields(ds)
		words[field] = value
		return strings.Join(words, " ")
	}
}

// without removes the records whose type, and what follows it, are these words.
func without(words ...string) func(string) string {
	return func(text string) string {
		return strings.Join(slices.DeleteFunc(strings.SplitAfter(text, "\n"), func(line string) bool {
			fields := strings.Fields(line) // owner, TTL, class, type, data
			return len(fields) > 4 && slices.Equal(fields[3:3+len(words)], words)
		}), "")
	}
}

func flaws() []flaw {
	day, now := 24*time.Hour, time.Now()
	const fakeDS = "x. 60 IN DS 12345 13 2 0000000000000000000000000000000000000000000000000000000000000000"
	all := map[string]dnssec.Code{"www": "", "x.wild": "", "": "", "none": "", "wild": ""}
	bogus := func(c dnssec.Code) map[string]dnssec.Code {
		return map[string]dnssec.Code{"www": c, "x.wild": c, "": c, "none": c}
	}
	return []flaw{
		{name: "secure", names: all},
		{name: "rsa", how: debian.Signing{Algorithm: "RSASHA256"}, names: all},
		{name: "ed25519", how: debian.Signing{Algorithm: "ED25519"}, names: all},
		{name: "p384", how: debian.Signing{Algorithm: "ECDSAP384SHA384"}, names: all},
		{name: "sha1", how: debian.Signing{Algorithm: "RSASHA1", TwoKeys: true}, names: all},
		{name: "twokeys", how: debian.Signing{Algorithm: "RSASHA256", TwoKeys: true}, names: all},
		{name: "secure3", how: debian.Signing{NSEC3: true}, names: all},
		{name: "_acme-challenge.signed", names: all},
		{name: "_acme-challenge.cut", plain: true, ds: noDS, names: bogus(dnssec.NoDS)},
		{name: "unsigned", plain: true, ds: noDS, names: map[string]dnssec.Code{"www": dnssec.NoDS, "none": dnssec.NoDS}},
		{name: "undelegated", ds: noDS, names: bogus(dnssec.NoDS)},
		{name: "nokey", plain: true, ds: func(string) string { return fakeDS }, names: bogus(dnssec.NoKey)},
		{name: "wrongds", ds: func(string) string { return fakeDS }, names: bogus(dnssec.WrongDS)},
		{name: "wrongtag", ds: dsWith(4, "1"), names: bogus(dnssec.WrongDS)},
		{name: "expired", how: debian.Signing{From: now.Add(-9 * day), Until: now.Add(-2 * day)}, names: bogus(dnssec.Expired)},
		{name: "future", how: debian.Signing{From: now.Add(2 * day), Until: now.Add(9 * day)}, names: bogus(dnssec.NotYetValid)},
		{name: "stripped", spoil: without("RRSIG", "TXT"), names: map[string]dnssec.Code{
			"www": dnssec.NoSignature, "x.wild": dnssec.NoSignature, "": "", "none": ""}},
		{name: "bare", spoil: without("RRSIG"), names: bogus(dnssec.NoSignature)},
		{name: "nonsec", spoil: without("NSEC"), names: map[string]dnssec.Code{
			"www": "", "x.wild": dnssec.NoProof, "": dnssec.NoProof, "none": dnssec.NoProof}},
		{name: "tampered", spoil: func(s string) string { return strings.ReplaceAll(s, `"here"`, `"there"`) }, names: map[string]dnssec.Code{
			"www": dnssec.BadSign, "": "", "none": ""}},
		{name: "algorithm", ds: dsWith(5, "200"), names: bogus(dnssec.UnknownAlgorithm)},
		{name: "digest", ds: dsWith(6, "200"), names: bogus(dnssec.UnknownDigest)},
		{name: "mixed", ds: func(ds string) string { return dsWith(5, "200")(ds) + "\n" + ds }, names: all},
		{name: "optout", how: debian.Signing{NSEC3: true, OptOut: true}, names: map[string]dnssec.Code{
			"www": "", "": "", "none": dnssec.OptOut, "x.wild": dnssec.OptOut}},
		{name: "costly", how: debian.Signing{NSEC3: true, Iterations: 150}, names: all},
	}
}

// only returns the flaws of these zones.
func only(names ...string) []flaw {
	return slices.DeleteFunc(flaws(), func(f flaw) bool { return !slices.Contains(names, f.name) })
}

// zone signs a zone and spoils it, and returns it with its DS records.
func (f flaw) zone(site *debian.Site, at debian.Delegation) (debian.Zone, string) {
	z, ds := debian.Zone{Name: at.Zone, Text: childText + at.String()}, ""
	if !f.plain {
		z, ds = site.Sign(z, f.how)
	}
	if f.spoil != nil {
		z.Text = f.spoil(z.Text)
	}
	if f.ds != nil {
		ds = f.ds(ds)
	}
	if words := strings.Fields(ds); len(words) > 0 {
		ds = strings.ReplaceAll(ds, words[0]+" ", at.Zone+" ")
	}
	return z, ds
}

// signedWorld has a signed root, test. signed by one brand, and flawed zones
// below it. Unbound is the referee.
type signedWorld struct {
	validator *dnssec.Validator
	unbound   netip.AddrPort
}

func newSignedWorld(t *testing.T, b brand, how debian.Signing, flaws []flaw) *signedWorld {
	t.Helper()
	site := debian.New(t)
	top, below := site.Addr(), site.Addr()
	test := debian.Delegation{Zone: "test.", Servers: []netip.AddrPort{top}}
	text := signedZone + test.String()
	var children []debian.Zone
	for _, f := range flaws {
		at := debian.Delegation{Zone: f.name + ".test.", Servers: []netip.AddrPort{below}}
		z, ds := f.zone(site, at)
		children, text = append(children, z), text+at.String()+ds+"\n"
	}
	site.NSD(debian.Server{Addr: below, Zones: children})
	zone, ds := debian.Zone{Name: "test.", Text: text}, ""
	if b.name == "NSD" {
		zone, ds = site.Sign(zone, how)
	} else {
		zone.Signing = &how
	}
	h := b.start(site, debian.Server{Addr: top, Zones: []debian.Zone{zone}})
	if ds == "" {
		ds = h.DS("test.")
	}
	return refereed(t, site, test.String()+ds)
}

// refereed adds a signed root and the referee to a site.
func refereed(t *testing.T, site *debian.Site, delegations string) *signedWorld {
	t.Helper()
	_, anchor := site.SignedRoot(delegations)
	anchors, err := dnssec.ParseAnchors(anchor)
	if err != nil {
		t.Fatal(err)
	}
	w := &signedWorld{unbound: site.Unbound(anchor).Addr}
	w.validator = &dnssec.Validator{
		Resolver: delegation.NewResolver(delegation.Options{Recursive: []netip.AddrPort{w.unbound}, Port: site.Port}),
		Anchors:  anchors,
	}
	return w
}

// referee returns what Unbound thinks of the records of a name, and its extended
// error.
func (w *signedWorld) referee(t *testing.T, name string, qtype uint16) (dnssec.Verdict, string) {
	t.Helper()
	q := new(dns.Msg).SetQuestion(name, qtype)
	q.SetEdns0(dns.DefaultMsgSize, true)
	c := dns.Client{Net: "tcp", Timeout: 20 * time.Second}
	r, _, err := c.Exchange(q, w.unbound.String())
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case r.Rcode == dns.RcodeServerFailure:
		return dnssec.Bogus, extendedError(r)
	case r.AuthenticatedData:
		return dnssec.Secure, ""
	}
	return dnssec.Insecure, extendedError(r)
}

func extendedError(r *dns.Msg) string {
	for _, o := range r.IsEdns0().Option {
		if ede, ok := o.(*dns.EDNS0_EDE); ok {
			return dns.ExtendedErrorCodeToString[ede.InfoCode]
		}
	}
	return ""
}

// check compares our verdict on a name with Unbound's, and our reason with the
// one that the world was made for.
func (w *signedWorld) check(t *testing.T, name string, want dnssec.Code) {
	t.Helper()
	chains, err := w.validator.Follow(t.Context(), delegation.Name(name), dns.TypeTXT)
	if err != nil {
		t.Errorf("%s: got error %v", name, err)
		return
	}
	worst, got := dnssec.Worst(chains), dnssec.Code("")
	if worst.Reason != nil {
		got = worst.Reason.Code
	}
	if got != want {
		t.Errorf("%s: got reason %q (%v), want %q", name, got, worst.Reason, want)
	}
	referee, ede := w.referee(t, name, dns.TypeTXT)
	if worst.Verdict != referee {
		t.Errorf("%s: got verdict %s (%v), Unbound says %s %s", name, worst.Verdict, worst.Reason, referee, ede)
	}
	switch got {
	case dnssec.Expired, dnssec.NotYetValid, dnssec.NoKey:
		if ours := worst.Reason.EDE(); ours != ede && ede != "DNSSEC Bogus" {
			t.Errorf("%s: got the extended error %q, Unbound says %q", name, ours, ede)
		}
	}
}

// agree compares our verdict with Unbound's for other types.
func (w *signedWorld) agree(t *testing.T, name string, types ...uint16) {
	t.Helper()
	for _, qtype := range types {
		chains, err := w.validator.Follow(t.Context(), delegation.Name(name), qtype)
		if err != nil {
			t.Errorf("%s %s: got error %v", name, dns.Type(qtype), err)
			continue
		}
		worst := dnssec.Worst(chains)
		if referee, ede := w.referee(t, name, qtype); worst.Verdict != referee {
			t.Errorf("%s %s: got verdict %s (%v), Unbound says %s %s", name, dns.Type(qtype), worst.Verdict, worst.Reason, referee, ede)
		}
	}
}

// TestValidate validates names of every kind on servers of every brand.
func TestValidate(t *testing.T) {
	t.Parallel()
	for _, b := range brands {
		for _, how := range []debian.Signing{{}, {NSEC3: true}, {NSEC3: true, OptOut: true}} {
			if how.OptOut && b.name == "PowerDNS" {
				continue
			}
			t.Run(b.name+fmt.Sprintf(" NSEC3=%t opt-out=%t", how.NSEC3, how.OptOut), func(t *testing.T) {
				t.Parallel()
				w := newSignedWorld(t, b, how, only("secure", "unsigned", "expired"))
				absent, unsigned := dnssec.Code(""), dnssec.NoDS
				if how.OptOut {
					absent, unsigned = dnssec.OptOut, dnssec.OptOut
				}
				for name, want := range map[string]dnssec.Code{
					"test.":                             "", // NODATA
					"www.test.":                         "",
					"none.test.":                        absent,
					"x.y.none.test.":                    absent,
					"x.wild.test.":                      absent,
					"x.y.wild.test.":                    absent,
					"*.wild.test.":                      "",
					"wild.test.":                        "",
					"ent.test.":                         "",
					"b.ent.test.":                       "",
					"c.b.ent.test.":                     absent,
					"_acme-challenge.to-secure.test.":   "",
					"_acme-challenge.to-unsigned.test.": unsigned,
					"_acme-challenge.to-expired.test.":  dnssec.Expired,
					"_acme-challenge.to-nothing.test.":  "",
					"_acme-challenge.to-there.test.":    dnssec.Expired,
					"x.every.test.":                     absent,
					"www.tree.test.":                    "",
					"none.tree.test.":                   "",
				} {
					w.check(t, name, want)
					w.agree(t, name, dns.TypeA, dns.TypeCAA, dns.TypeSOA)
				}
			})
		}
	}
}

// TestValidateFlaws validates names in zones with flaws, whose DS records, and
// the proofs that there are none, are on servers of every brand.
func TestValidateFlaws(t *testing.T) {
	t.Parallel()
	for i, b := range brands {
		how := debian.Signing{NSEC3: i%2 == 1}
		t.Run(fmt.Sprintf("%s NSEC3=%t", b.name, how.NSEC3), func(t *testing.T) {
			t.Parallel()
			w := newSignedWorld(t, b, how, flaws())
			for _, f := range flaws() {
				for label, want := range f.names {
					name := strings.TrimPrefix(label+"."+f.name+".test.", ".")
					w.check(t, name, want)
					w.agree(t, name, dns.TypeCAA)
				}
			}
		})
	}
}

// TestValidateNested has zones within zones, all on one server, which refers to
// none of them.
func TestValidateNested(t *testing.T) {
	t.Parallel()
	for _, b := range []brand{brands[0], brands[1], brands[3]} {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			site := debian.New(t)
			addr := site.Addr()
			text := map[string]string{}
			var zones []debian.Zone
			add := func(name, parent string, signed, delegated bool) {
				at := debian.Delegation{Zone: name, Servers: []netip.AddrPort{addr}}
				z, ds := debian.Zone{Name: name, Text: childText + at.String() + text[name]}, ""
				if signed {
					z, ds = site.Sign(z, debian.Signing{})
				}
				zones = append(zones, z)
				if delegated {
					text[parent] += at.String() + ds
				}
			}
			add("low.mid.test.", "mid.test.", true, true)
			add("plain.mid.test.", "mid.test.", false, true)
			add("lost.mid.test.", "mid.test.", true, false)
			add("mid.test.", "test.", true, true)
			add("test.", ".", true, true)
			b.start(site, debian.Server{Addr: addr, Zones: zones})
			w := refereed(t, site, text["."])
			w.check(t, "www.low.mid.test.", "")
			w.check(t, "none.low.mid.test.", "")
			w.check(t, "www.plain.mid.test.", dnssec.NoDS)
			w.check(t, "www.lost.mid.test.", dnssec.Undelegated)
			w.check(t, "www.mid.test.", "")
		})
	}
}

// TestValidateIterations has a zone whose names are hashed too often.
func TestValidateIterations(t *testing.T) {
	t.Parallel()
	site := debian.New(t)
	at := debian.Delegation{Zone: "test.", Servers: []netip.AddrPort{site.Addr()}}
	h := site.Knot(debian.Server{Addr: at.Servers[0], Zones: []debian.Zone{{
		Name:    at.Zone,
		Text:    childText + at.String() + "unsigned NS ns1.unsigned\nns1.unsigned A " + at.Servers[0].Addr().String(),
		Signing: &debian.Signing{NSEC3: true, Iterations: 151},
	}, {
		Name: "unsigned.test.",
		Text: childText + "@ NS ns1\nns1 A " + at.Servers[0].Addr().String(),
	}}})
	w := refereed(t, site, at.String()+h.DS(at.Zone))
	w.check(t, "www.test.", "")
	w.check(t, "none.test.", dnssec.Iterations)
	w.check(t, "x.wild.test.", dnssec.Iterations)
	w.check(t, "www.unsigned.test.", dnssec.Iterations)
}

// TestValidateByResolver validates from where authoritative servers cannot be
// asked: the resolver hands over what it would reject.
func TestValidateByResolver(t *testing.T) {
	t.Parallel()
	w := newSignedWorld(t, brands[3], debian.Signing{}, only("secure3", "unsigned", "stripped", "expired", "nokey"))
	client := new(delegation.Client).Signed()
	w.validator.Resolver = delegation.NewResolver(delegation.Options{Recursive: []netip.AddrPort{w.unbound}, Port: 1, Client: client})
	w.check(t, "www.test.", "")
	w.check(t, "none.test.", "")
	w.check(t, "x.wild.secure3.test.", "")
	w.check(t, "www.unsigned.test.", dnssec.NoDS)
	w.check(t, "www.stripped.test.", dnssec.NoSignature)
	w.check(t, "www.expired.test.", dnssec.Expired)
	w.check(t, "www.nokey.test.", dnssec.NoKey)
	w.check(t, "_acme-challenge.to-there.test.", dnssec.Expired)
}

// TestValidateLapse has an old version of a zone on one of its servers. Unbound
// asks another, and so do we, and tell.
func TestValidateLapse(t *testing.T) {
	t.Parallel()
	site := debian.New(t)
	at := debian.Delegation{Zone: "test.", Servers: []netip.AddrPort{site.Addr(), site.Addr()}}
	fresh, ds := site.Sign(debian.Zone{Name: at.Zone, Text: childText + at.String()}, debian.Signing{})
	site.NSD(debian.Server{Addr: at.Servers[0], Zones: []debian.Zone{fresh}})
	old := fresh
	old.Text = without("RRSIG", "TXT")(fresh.Text)
	site.NSD(debian.Server{Addr: at.Servers[1], Zones: []debian.Zone{old}})
	w := refereed(t, site, at.String()+ds)
	for range 10 {
		w.check(t, "www.test.", "")
	}
	c, err := w.validator.Validate(t.Context(), "www.test.", dns.TypeTXT)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Lapses) != 1 || c.Lapses[0].Server != at.Servers[1] {
		t.Errorf("got lapses %v, want one of %s", c.Lapses, at.Servers[1])
	}
}
