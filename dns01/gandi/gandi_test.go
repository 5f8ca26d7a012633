package gandi_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/conformance"
	"certctl/dns01/gandi"
	"certctl/dns01/txt"
	fake "certctl/lab/service/gandi"
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
	return conformance.Open(t, gandi.New, gandi.Config{Token: secret.Plain(token), URL: s.URL + "/v5/livedns"}, zone)
}

func TestConformance(t *testing.T) {
	more := func(t *testing.T) *fake.Service {
		s := serve(t)
		s.Others = []string{token + ".example.com"}
		return s
	}
	conformance.TestHosted(t, zone, more, open, txt.Quote, txt.Unquote, token)
}

// Two names and more are read with one request.
func TestRequests(t *testing.T) {
	s := serve(t)
	const path = "/v5/livedns/domains/auth.example.net"
	for n, want := range map[int][]string{
		1: {"GET " + path, "GET " + path + "/records/name-0/TXT", "PUT " + path + "/records/name-0/TXT", "GET " + path + "/records/name-0/TXT"},
		2: {
			"GET " + path + "/records?per_page=100&rrset_type=TXT",
			"PUT " + path + "/records/name-0/TXT", "PUT " + path + "/records/name-1/TXT",
			"GET " + path + "/records?per_page=100&rrset_type=TXT",
		},
	} {
		p := open(t, s)
		if n == 2 {
			if _, err := p.DeleteRecords(t.Context(), zone.String(), conformance.Records(1, time.Minute)); err != nil {
				t.Fatal(err)
			}
			s.Asked()
		}
		if _, err := p.AppendRecords(t.Context(), zone.String(), conformance.Records(n, time.Minute)); err != nil {
			t.Fatal(err)
		}
		got := s.Asked()
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d names: requests (-want +got):\n%s", n, diff)
		}
		if _, err := p.DeleteRecords(t.Context(), zone.String(), conformance.Records(n, time.Minute)); err != nil {
			t.Fatal(err)
		}
		s.Asked()
	}
}

func TestTTL(t *testing.T) { conformance.TestTTL(t, zone, serve, open, 300, `"theirs"`) }

func TestNoZone(t *testing.T) {
	s := serve(t)
	s.Zone = "example.com"
	conformance.TestNoZone(t, open(t, s), s.URL, zone)
}

func TestConfigErrors(t *testing.T) {
	conformance.TestConfigs(t, gandi.New, map[string]gandi.Config{
		"token: it is missing": {},
		"url: a URL is expected, like https://dns.example.com/api": {Token: secret.Plain("t"), URL: "x"},
	})
}

func TestPolicy(t *testing.T) {
	p := open(t, serve(t)).(dns01.PolicyWriter).Policies(zone, []delegation.Name{zone})
	if len(p) != 1 || !strings.Contains(p[0].Text, "Restrict to selected products: auth.example.net;") || p[0].Excess == "" {
		t.Errorf("got %+v", p)
	}
}

// A token may be for one domain, and have no other permissions.
func TestProbe(t *testing.T) {
	for _, test := range []struct {
		change      func(*fake.Service)
		wide, floor []dns01.Reach
	}{
		{func(s *fake.Service) {}, nil, []dns01.Reach{dns01.WholeZone}},
		{func(s *fake.Service) { s.Others = []string{"example.com"} }, []dns01.Reach{dns01.OtherZones}, []dns01.Reach{dns01.WholeZone}},
		{func(s *fake.Service) { s.Others, s.Broad = []string{"example.com"}, true }, []dns01.Reach{dns01.OtherZones, dns01.Account}, []dns01.Reach{dns01.WholeZone}},
	} {
		s := serve(t)
		test.change(s)
		wide, floor := conformance.Reaches(t, open(t, s), zone, "a."+zone)
		if !slices.Equal(wide, test.wide) || !slices.Equal(floor, test.floor) {
			t.Errorf("got %q, and %q of every key, want %q and %q", wide, floor, test.wide, test.floor)
		}
	}
}
