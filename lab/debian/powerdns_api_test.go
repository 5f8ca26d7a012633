package debian_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/libdns/libdns"
	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/conformance"
	"certctl/dns01/powerdns"
	"certctl/dns01/txt"
	"certctl/lab/debian"
	"certctl/secret"
)

const apiKey = "t0p-secret-api-key"

// api starts a PowerDNS with its API and some secondaries for the zone.
func api(t *testing.T, site *debian.Site, secondaries ...netip.AddrPort) *debian.Host {
	t.Helper()
	return site.PowerDNS(debian.Server{APIKey: apiKey, Zones: []debian.Zone{{Name: authZone, Text: authText, Secondaries: secondaries}}})
}

func openAPI(t *testing.T, h *debian.Host, key string, zone delegation.Name) dns01.Provider {
	t.Helper()
	p, err := powerdns.New(powerdns.Config{URL: h.API, APIKey: secret.Plain(key)}, zone, dns01.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// PowerDNS as Debian has it replaces record sets, and loses nothing of anybody
// nevertheless, not even with two programs at once.
func TestPowerDNSAPI(t *testing.T) {
	t.Parallel()
	conformance.Test(t, func(t *testing.T) (dns01.Provider, conformance.World) {
		key := debian.NewKey("somebody")
		h := debian.New(t).PowerDNS(debian.Server{APIKey: apiKey, Zones: []debian.Zone{{
			Name: authZone, Text: authText, Grants: []debian.Grant{{Key: key}},
		}}})
		return openAPI(t, h, apiKey, authZone), conformance.World{
			Zone: authZone, Secrets: []string{apiKey},
			Again:  func() dns01.Provider { return openAPI(t, h, apiKey, authZone) },
			Values: func(owner delegation.Name) []string { return large(t, h.Addr, owner.String()) },
			Add: func(owner delegation.Name, value string) {
				if got := update(t, h.Addr, authZone, key, owner.String(), value); got != "NOERROR" {
					t.Fatalf("update: got %s", got)
				}
			},
		}
	})
}

// large asks over TCP, for values that fill more than a packet, and returns them
// without escapes.
func large(t *testing.T, server netip.AddrPort, name string) []string {
	t.Helper()
	m := new(dns.Msg).SetQuestion(name, dns.TypeTXT)
	c := dns.Client{Net: "tcp"}
	r, _, err := c.Exchange(m, server.String())
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, rr := range r.Answer {
		if record, ok := rr.(*dns.TXT); ok {
			value, err := txt.Unquote(`"` + strings.Join(record.Txt, "") + `"`)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
	}
	return values
}

// Twenty programs that know nothing of each other write at one owner, and remove
// what they wrote.
func TestPowerDNSAPIProcesses(t *testing.T) {
	t.Parallel()
	h := api(t, debian.New(t))
	owner := "www." + authZone
	want := []string{"foreign"}
	var writers sync.WaitGroup
	for i := range 20 {
		v := fmt.Sprint("value-", i)
		want = append(want, v)
		p := openAPI(t, h, apiKey, authZone)
		writers.Go(func() {
			rs := []libdns.Record{libdns.RR{Name: "www", Type: "TXT", Data: v}}
			if _, err := p.AppendRecords(t.Context(), authZone, rs); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	got := large(t, h.Addr, owner)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The one key of the API is for everything on the server, which is news only where
// there is more than the zone. Nothing is changed by looking.
func TestPowerDNSAPIProbe(t *testing.T) {
	t.Parallel()
	for _, more := range []string{"", "example.org."} {
		zones := []debian.Zone{{Name: authZone, Text: authText}}
		var want []dns01.Reach
		if more != "" {
			zones = append(zones, debian.Zone{Name: more, Text: authText})
			want = []dns01.Reach{dns01.OtherZones}
		}
		h := debian.New(t).PowerDNS(debian.Server{APIKey: apiKey, Zones: zones})
		before := serial(t, h.Addr)
		wide, floor := conformance.Reaches(t, openAPI(t, h, apiKey, authZone), authZone, "www."+authZone)
		if !slices.Equal(wide, want) || !slices.Equal(floor, []dns01.Reach{dns01.WholeZone, dns01.Account}) {
			t.Errorf("got %q, and %q of every key, want %q", wide, floor, want)
		}
		if after := serial(t, h.Addr); after != before {
			t.Errorf("got the serial %d, want %d", after, before)
		}
		_, err := openAPI(t, h, "wr0ng", authZone).(dns01.ScopeProber).ProbeScope(t.Context(), authZone, authZone)
		if _, refused := errors.AsType[dns01.Refusal](err); !refused || strings.Contains(err.Error(), "wr0ng") {
			t.Errorf("got %v, want a refusal", err)
		}
	}
}

// TestIssuePowerDNSAPI issues a certificate with records that PowerDNS takes over
// its API, and a secondary has to have as well.
func TestIssuePowerDNSAPI(t *testing.T) {
	t.Parallel()
	site := debian.New(t)
	pdns, nsd := site.Addr(), site.Addr()
	com := debian.Delegation{Zone: "example.com.", Servers: []netip.AddrPort{nsd}}
	auth := debian.Delegation{Zone: authZone, Servers: []netip.AddrPort{pdns, nsd}}
	h := site.PowerDNS(debian.Server{Addr: pdns, APIKey: apiKey, Zones: []debian.Zone{
		{Name: auth.Zone, Text: soa + auth.String(), Secondaries: []netip.AddrPort{nsd}},
	}})
	site.NSD(debian.Server{Addr: nsd, Zones: []debian.Zone{
		{Name: auth.Zone, Primary: pdns},
		{Name: com.Zone, Text: soa + com.String() + "_acme-challenge CNAME example-com." + auth.Zone},
	}})
	site.Root(com, auth)
	e := &estate{
		site: site, resolver: site.Unbound().Addr,
		places:  []place{{"example.com", "example-com." + auth.Zone, auth.Servers[:1]}, {"*.example.com", "example-com." + auth.Zone, auth.Servers[:1]}},
		entries: []entry{{scope: auth.Zone, api: h.API}},
	}
	e.issue(t)
}
