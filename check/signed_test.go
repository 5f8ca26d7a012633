package check

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/dnssec"
	"certctl/lab/debian"
)

// signature says how one of the two zones is signed.
type signature struct {
	how   debian.Signing
	plain bool // not at all
	noDS  bool // and the parent does not say that it is
	stale bool // the parent has the DS record of another key
}

// A chain of trust that is broken in the zone of the name, or in that of the
// target, is found, with what is wrong.
func TestSigned(t *testing.T) {
	day, now := 24*time.Hour, time.Now()
	expired := debian.Signing{From: now.Add(-9 * day), Until: now.Add(-2 * day)}
	future := debian.Signing{From: now.Add(2 * day), Until: now.Add(9 * day)}
	ending := debian.Signing{From: now.Add(-9 * day), Until: now.Add(12 * time.Hour)}
	for _, test := range []struct {
		name         string
		main, target signature
		want         Code
		why          string
	}{
		{"all signed", signature{}, signature{}, "dnssec-secure", ""},
		{"target not signed", signature{}, signature{plain: true, noDS: true}, "dnssec-insecure", ""},
		{"target expired", signature{}, signature{how: expired}, "dnssec-bogus", "signature-expired"},
		{"target not yet valid", signature{}, signature{how: future}, "dnssec-bogus", "signature-not-yet-valid"},
		{"target moved, its DS left", signature{}, signature{plain: true}, "dnssec-bogus", "dnskey-missing"},
		{"main expired", signature{how: expired}, signature{}, "dnssec-bogus", "signature-expired"},
		{"main about to expire", signature{how: ending}, signature{}, "dnssec-expiring", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := checkSigned(t, test.main, test.target)
			fs := r.found(test.want)
			if len(fs) != 1 || !strings.Contains(fs[0].Text, test.why) || test.why != "" && (fs[0].Remedy == "" || len(fs[0].Evidence) == 0) {
				t.Fatalf("got no %s with %q, evidence and remedy:\n%s", test.want, test.why, r)
			}
			for _, code := range []Code{"dnssec-secure", "dnssec-insecure", "dnssec-bogus", "dnssec-unknown", "dnssec-expiring"} {
				if code != test.want && len(r.found(code)) > 0 && !(code == "dnssec-secure" && test.want == "dnssec-expiring") {
					t.Errorf("got %s too:\n%s", code, r)
				}
			}
		})
	}
}

// Zones of our own name server that are signed: their DS records are there and
// fit, and their signatures are good for some time.
func TestHostedSigned(t *testing.T) {
	day, now := 24*time.Hour, time.Now()
	for _, test := range []struct {
		name   string
		zone   signature
		want   Code
		remedy string
	}{
		{"signed", signature{}, "dnssec-secure", ""},
		{"no DS", signature{noDS: true}, "ds-missing", "add to zone .:\nauth.example.net. DS "},
		{"another key", signature{stale: true}, "dnssec-bogus", "DS"},
		{"about to expire", signature{how: debian.Signing{From: now.Add(-9 * day), Until: now.Add(12 * time.Hour)}}, "dnssec-expiring", "signer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newSignedWorld(t, signature{plain: true, noDS: true}, test.zone)
			h := Hosted{Apex: apex, Servers: []delegation.Server{{Name: "ns1." + apex}, {Name: "ns2." + apex}}, Signed: true}
			r, err := w.Zones(t.Context(), []Hosted{h})
			if err != nil {
				t.Fatal(err)
			}
			fs := r.found(test.want)
			if len(fs) != 1 || !strings.Contains(fs[0].Remedy, test.remedy) {
				t.Fatalf("got no %s with remedy %q:\n%s", test.want, test.remedy, r)
			}
			for _, f := range r.Findings {
				if f.Severity != Info && f.Code != test.want {
					t.Errorf("got %s too:\n%s", f.Code, r)
				}
			}
		})
	}
}

// stale is a server whose signatures end in an hour.
type stale struct{ made time.Duration }

func (s stale) ExchangeContext(_ context.Context, q *dns.Msg, _ string) (*dns.Msg, time.Duration, error) {
	m := new(dns.Msg).SetReply(q)
	m.Answer = []dns.RR{&dns.RRSIG{
		Hdr: dns.RR_Header{Name: apex, Rrtype: dns.TypeRRSIG, Class: dns.ClassINET}, TypeCovered: dns.TypeSOA, SignerName: apex,
		Inception: uint32(time.Now().Add(time.Hour - s.made).Unix()), Expiration: uint32(time.Now().Add(time.Hour).Unix()),
	}}
	return m, 0, nil
}

// A server whose signatures are about to expire is found, and one that makes
// them for an hour is not.
func TestEnds(t *testing.T) {
	for made, want := range map[time.Duration]int{21 * 24 * time.Hour: 1, time.Hour: 0} {
		r, fs := &run{client: &delegation.Client{UDP: stale{made}}}, findings{}
		r.lookForEnds(t.Context(), &zone{apex: apex, servers: []*server{{soa: &delegation.Answer{}}, {}}}, &fs)
		if len(fs) != want {
			t.Errorf("signatures for %v: got %v", made, fs)
		}
	}
}

func checkSigned(t *testing.T, main, target signature) *Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := newSignedWorld(t, main, target).Check(ctx, []Name{{Domain: domain}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// newSignedWorld starts the name servers of two zones, and returns what looks at
// them.
func newSignedWorld(t *testing.T, main, target signature) *Checker {
	t.Helper()
	const soa = "@ 3600 SOA ns1 hostmaster 1 3600 600 864000 60\n"
	site := debian.New(t)
	first, second := site.Addr(), site.Addr()
	servers := []netip.AddrPort{first, second}
	com := debian.Delegation{Zone: "example.com.", Servers: servers}
	auth := debian.Delegation{Zone: apex, Servers: servers}
	mainZone, mainDS := main.zone(site, com, soa+"_acme-challenge.www CNAME www.auth.example.net.\nwww A 192.0.2.1\n")
	authZone, authDS := target.zone(site, auth, soa)
	for _, a := range servers {
		site.NSD(debian.Server{Addr: a, Zones: []debian.Zone{mainZone, authZone}})
	}
	_, anchor := site.SignedRoot(com.String() + mainDS + auth.String() + authDS)
	anchors, err := dnssec.ParseAnchors(anchor)
	if err != nil {
		t.Fatal(err)
	}
	client := &delegation.Client{}
	return &Checker{Client: client, Anchors: anchors, Resolver: delegation.NewResolver(delegation.Options{
		Recursive: []netip.AddrPort{site.Unbound().Addr}, Port: site.Port, Client: client,
	})}
}

// zone returns a zone, signed or not, and its DS records for the root.
func (s signature) zone(site *debian.Site, at debian.Delegation, text string) (debian.Zone, string) {
	z := debian.Zone{Name: at.Zone, Text: text + at.String()}
	signed, ds := site.Sign(z, s.how)
	if s.noDS {
		ds = ""
	}
	if s.stale {
		_, ds = site.Sign(z, s.how)
	}
	if s.plain {
		return z, ds
	}
	return signed, ds
}
