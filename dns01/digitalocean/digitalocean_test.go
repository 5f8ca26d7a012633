package digitalocean_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/conformance"
	"certctl/dns01/digitalocean"
	fake "certctl/lab/service/digitalocean"
	"certctl/secret"
)

const (
	zone  = delegation.Name("auth.example.net.")
	token = "t0ken-that-must-not-show"
)

func serve(t *testing.T) *fake.Service {
	t.Helper()
	return conformance.Begin(t, &fake.Service{Zone: zone.Bare(), Token: token})
}

func open(t *testing.T, s *fake.Service) dns01.Provider {
	t.Helper()
	return conformance.Open(t, digitalocean.New, digitalocean.Config{Token: secret.Plain(token), URL: s.URL + "/v2"}, zone)
}

func TestConformance(t *testing.T) {
	more := func(t *testing.T) *fake.Service {
		s := serve(t)
		s.Others = []string{token + ".example.com"}
		return s
	}
	conformance.TestHosted(t, zone, more, open, nil, nil, token)
}

func TestRequests(t *testing.T) {
	s := serve(t)
	rs := []libdns.Record{libdns.RR{Name: "www", Type: "TXT", TTL: time.Second, Data: "v"}}
	if _, err := open(t, s).AppendRecords(t.Context(), zone.String(), rs); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"GET /v2/domains/auth.example.net",
		"GET /v2/domains/auth.example.net/records?name=www.auth.example.net&page=1&per_page=200&type=TXT",
		"POST /v2/domains/auth.example.net/records",
	}
	if diff := cmp.Diff(want, s.Asked()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestNoZone(t *testing.T) {
	s := serve(t)
	s.Zone = "example.com"
	conformance.TestNoZone(t, open(t, s), s.URL, zone)
}

func TestConfigErrors(t *testing.T) {
	conformance.TestConfigs(t, digitalocean.New, map[string]digitalocean.Config{
		"token: it is missing": {},
		"url: a URL is expected, like https://dns.example.com/api": {Token: secret.Plain("t"), URL: "x"},
	})
}

func TestPolicy(t *testing.T) {
	p := open(t, serve(t)).(dns01.PolicyWriter).Policies(zone, []delegation.Name{zone})
	if len(p) != 1 || !strings.Contains(p[0].Text, "\ndomain:create\n") || !strings.Contains(p[0].Excess, "auth.example.net alone") {
		t.Errorf("got %+v", p)
	}
}

// No scope is for less than all domains: what counts is which there are.
func TestProbe(t *testing.T) {
	for _, test := range []struct {
		change      func(*fake.Service)
		wide, floor []dns01.Reach
	}{
		{func(s *fake.Service) {}, nil, []dns01.Reach{dns01.WholeZone, dns01.OtherZones}},
		{func(s *fake.Service) { s.Others = []string{"example.com"} }, []dns01.Reach{dns01.OtherZones}, []dns01.Reach{dns01.WholeZone, dns01.OtherZones}},
		{func(s *fake.Service) { s.Full = true }, []dns01.Reach{dns01.Account}, []dns01.Reach{dns01.WholeZone, dns01.OtherZones}},
	} {
		s := serve(t)
		test.change(s)
		wide, floor := conformance.Reaches(t, open(t, s), zone, "a."+zone)
		if !slices.Equal(wide, test.wide) || !slices.Equal(floor, test.floor) {
			t.Errorf("got %q, and %q of every key, want %q and %q", wide, floor, test.wide, test.floor)
		}
	}
}
