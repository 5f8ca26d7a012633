package check

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/libdns/libdns"
	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dnssec"
)

// codes returns the codes of findings.
func codes(fs findings) []Code {
	var all []Code
	for _, f := range fs {
		all = append(all, f.Code)
	}
	return all
}

// has reports whether there is a finding with a code.
func has(fs findings, code Code) bool {
	for _, f := range fs {
		if f.Code == code {
			return true
		}
	}
	return false
}

// Private addresses are wrong where the root is the Internet's, and right where
// everything is private, or is a lab.
func TestPrivateAddress(t *testing.T) {
	for _, test := range []struct {
		root, server string
		lab, want    bool
	}{
		{"198.41.0.4", "10.0.0.1", false, true},
		{"198.41.0.4", "fd00::1", false, true},
		{"198.41.0.4", "127.0.0.1", false, true},
		{"198.41.0.4", "100.64.1.1", false, true},
		{"198.41.0.4", "::ffff:192.168.1.1", false, true},
		{"198.41.0.4", "9.9.9.9", false, false},
		{"198.41.0.4", "10.0.0.1", true, false},
		{"10.0.0.2", "10.0.0.1", false, false},
	} {
		root := netip.AddrPortFrom(netip.MustParseAddr(test.root), 53)
		r := &run{Checker: &Checker{Lab: test.lab}, places: []*place{{target: &delegation.Target{
			Steps: []delegation.Step{{Kind: delegation.Cut, Server: root}},
		}}}}
		z := &zone{apex: apex, servers: []*server{{name: ns1Auth, addr: netip.AddrPortFrom(netip.MustParseAddr(test.server), 53)}}}
		var fs findings
		if !r.private() {
			fs.reach(z)
		}
		if got := has(fs, "ns-private"); got != test.want {
			t.Errorf("server %s, root %s, lab %t: got ns-private %t, want %t", test.server, test.root, test.lab, got, test.want)
		}
	}
}

// chains of trust as package dnssec returns them.
func TestChains(t *testing.T) {
	why := func(code dnssec.Code) *dnssec.Reason {
		return &dnssec.Reason{Code: code, Zone: "example.com.", Name: "www.example.com.", Type: dns.TypeTXT}
	}
	signed := func(age, left time.Duration) []dnssec.Link {
		sig := dnssec.Signature{Inception: time.Now().Add(-age), Expiration: time.Now().Add(left)}
		return []dnssec.Link{{Zone: "example.com.", Verdict: dnssec.Secure, Signatures: []dnssec.Signature{sig}}}
	}
	const day = 24 * time.Hour
	for _, test := range []struct {
		name  string
		chain dnssec.Chain
		want  []Code
	}{
		{"secure", dnssec.Chain{Verdict: dnssec.Secure, Links: signed(day, 30*day)}, []Code{"dnssec-secure"}},
		{"expiring", dnssec.Chain{Verdict: dnssec.Secure, Links: signed(7*day, time.Hour)}, []Code{"dnssec-expiring", "dnssec-secure"}},
		{"signed for hours", dnssec.Chain{Verdict: dnssec.Secure, Links: signed(time.Hour, time.Hour)}, []Code{"dnssec-secure"}},
		{"insecure", dnssec.Chain{Verdict: dnssec.Insecure, Reason: why(dnssec.NoDS)}, []Code{"dnssec-insecure"}},
		{"bogus", dnssec.Chain{Verdict: dnssec.Bogus, Reason: why(dnssec.NoKey)}, []Code{"dnssec-bogus"}},
		{"unknown", dnssec.Chain{Verdict: dnssec.Indeterminate, Reason: why(dnssec.NoAnswer)}, []Code{"dnssec-unknown"}},
		{"one server", dnssec.Chain{Verdict: dnssec.Secure, Links: signed(day, 30*day), Lapses: []*dnssec.Reason{why(dnssec.Stripped), why(dnssec.Stripped)}}, []Code{"dnssec-lapse", "dnssec-secure"}},
	} {
		var fs findings
		fs.chains(domain, []*dnssec.Chain{&test.chain})
		if got := codes(fs); !equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func equal(a, b []Code) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// mute is a provider that cannot be tried.
type mute struct{}

func (mute) AppendRecords(context.Context, string, []libdns.Record) ([]libdns.Record, error) {
	return nil, errors.New("nothing is written")
}

func (mute) DeleteRecords(context.Context, string, []libdns.Record) ([]libdns.Record, error) {
	return nil, errors.New("nothing is removed")
}

func TestUntried(t *testing.T) {
	b := newBench(t, nil)
	if r := b.check(t); len(r.found("credential-untried")) > 0 {
		t.Errorf("got credential-untried for a provider that can be tried:\n%s", r)
	}
	b.checker.Credentials = dns01.Credentials{dns01.NewCredential("mute", apex, mute{})}
	r := b.check(t)
	if len(r.found("credential-untried")) != 1 || r.Count(Error)+r.Count(Warning) > 0 {
		t.Errorf("got not one credential-untried, or more than that:\n%s", r)
	}
}

// odd is a provider whose server answers trials in ways that say nothing.
type odd struct {
	mute
	trials []dns01.Trial
}

func (odd) Ping(context.Context, delegation.Name) error { return nil }

func (o odd) ProbeScope(context.Context, delegation.Name, delegation.Name) (dns01.Breadth, error) {
	return dns01.Breadth{Trials: o.trials}, nil
}

func TestBreadth(t *testing.T) {
	found := func(r dns01.Reach) dns01.Trial { return dns01.Trial{Reach: r, Accepted: true} }
	inherent := func(r dns01.Reach) dns01.Trial { return dns01.Trial{Reach: r, Accepted: true, Inherent: true} }
	refused, unclear := dns01.Trial{Refused: true}, dns01.Trial{Answer: "SERVFAIL"}
	below := delegation.Name("a." + apex)
	for _, test := range []struct {
		owner  delegation.Name
		trials []dns01.Trial
		want   Code
		text   string
	}{
		{below, []dns01.Trial{refused, unclear}, "key-unclear", "the server does not show what odd can write"},
		{below, []dns01.Trial{refused, refused}, "key-scoped", "odd can write nothing in zone "},
		{below, []dns01.Trial{unclear, found(dns01.TheApex)}, "key-broad", "odd can do more than write the TXT records at a.auth.example.net in zone auth.example.net: the zone's apex"},
		{below, []dns01.Trial{inherent(dns01.WholeZone), refused}, "key-floor", "odd can do more than write the TXT records at a.auth.example.net in zone auth.example.net, as every key of the service can: the whole zone"},
		{below, []dns01.Trial{inherent(dns01.WholeZone), unclear}, "key-unclear", "the server does not show"},
		{below, []dns01.Trial{inherent(dns01.Account), found(dns01.OtherZones), found(dns01.OtherZones)}, "key-broad", "odd can do more than write the TXT records at a.auth.example.net in zone auth.example.net: other zones"},
		{apex, []dns01.Trial{inherent(dns01.WholeZone), refused}, "key-own-zone", "odd can write all of zone auth.example.net, which is for this validation record only"},
		{apex, []dns01.Trial{found(dns01.OtherNames)}, "key-own-zone", "odd can write all of zone"},
		{apex, []dns01.Trial{found(dns01.OtherNames), found(dns01.OtherZones)}, "key-broad", "odd can do more than write the TXT records at auth.example.net in zone auth.example.net: other names, other zones"},
		{apex, []dns01.Trial{inherent(dns01.Account)}, "key-floor", "odd can do more"},
	} {
		var fs findings
		u := &use{credential: dns01.NewCredential("odd", apex, odd{trials: test.trials}), zone: apex, owners: []delegation.Name{test.owner}}
		new(run).breadth(t.Context(), u, &fs)
		if len(fs) != 1 || fs[0].Code != test.want || !strings.HasPrefix(fs[0].Text, test.text) {
			t.Errorf("%v: got %v, want %s: %s", test.trials, fs, test.want, test.text)
		}
	}
}

// What a key can do comes first, and what was not looked at last.
func TestEvidence(t *testing.T) {
	b := dns01.Breadth{Server: "s", Unseen: "the rest", Trials: []dns01.Trial{
		{Question: "a", Refused: true, Answer: "no"}, {Question: "b", Accepted: true, Inherent: true, Answer: "ever"}, {Question: "c", Accepted: true, Answer: "yes"},
	}}
	want := "[{s c yes} { b ever} {s a no} { not looked at the rest}]"
	if got := fmt.Sprint(tried(b)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// An interrupted check says so, and not that something was wrong.
func TestInterrupted(t *testing.T) {
	b := newBench(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := b.checker.Check(ctx, b.names)
	if !errors.Is(err, context.Canceled) || r.Count(Error) > 0 {
		t.Errorf("got %v and %d errors, want that it was interrupted and none:\n%s", err, r.Count(Error), r)
	}
}

// Serials wrap around (RFC 1982): 1 comes after 4294967295.
func TestNewestSerial(t *testing.T) {
	for _, test := range []struct {
		serials []uint32
		code    Code
		want    string
	}{
		{[]uint32{7, 7}, "serial", "the serial 7"},
		{[]uint32{7, 9, 8}, "serial-differs", "have the serial 9:"},
		{[]uint32{4294967295, 1}, "serial-differs", "have the serial 1:"},
		{[]uint32{1, 4294967295}, "serial-differs", "have the serial 1:"},
	} {
		z := &zone{apex: apex}
		for _, n := range test.serials {
			m := &dns.Msg{Answer: []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: apex}, Serial: n}}}
			z.servers = append(z.servers, &server{name: ns1Auth, soa: &delegation.Answer{Msg: m}})
		}
		var fs findings
		fs.serials(z)
		if len(fs) != 1 || fs[0].Code != test.code || !strings.Contains(fs[0].Text, test.want) {
			t.Errorf("%v: got %v, want %s with %q", test.serials, fs, test.code, test.want)
		}
	}
}
