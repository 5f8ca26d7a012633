package check

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"certctl/delegation"
	"certctl/dnssec"
	"certctl/lab/debian"
)

// signature says how one of the two zones is signed.
type signature struct {
	how   debian.Signing
	plain bool // not at all
	noDS  bool // and the parent does not say that it is
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

func checkSigned(t *testing.T, main, target signature) *Report {
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
	c := &Checker{Client: client, Anchors: anchors, Resolver: delegation.NewResolver(delegation.Options{
		Recursive: []netip.AddrPort{site.Unbound().Addr}, Port: site.Port, Client: client,
	})}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := c.Check(ctx, []Name{{Domain: domain}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// zone returns a zone, signed or not, and its DS records for the root.
func (s signature) zone(site *debian.Site, at debian.Delegation, text string) (debian.Zone, string) {
	z := debian.Zone{Name: at.Zone, Text: text + at.String()}
	signed, ds := site.Sign(z, s.how)
	if s.noDS {
		ds = ""
	}
	if s.plain {
		return z, ds
	}
	return signed, ds
}
