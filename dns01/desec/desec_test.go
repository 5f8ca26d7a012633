package desec_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/conformance"
	"certctl/dns01/desec"
	"certctl/dns01/txt"
	fake "certctl/lab/service/desec"
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
	return conformance.Open(t, desec.New, desec.Config{Token: secret.Plain(token), URL: s.URL + "/api/v1"}, zone)
}

func TestConformance(t *testing.T) {
	more := func(t *testing.T) *fake.Service {
		s := serve(t)
		s.Other = "example.com"
		return s
	}
	conformance.TestHosted(t, zone, more, open, txt.Quote, txt.Unquote, token)
}

// Many names are one request to write, as there may be few in a day.
func TestRequests(t *testing.T) {
	s := serve(t)
	p := open(t, s)
	const path = "/api/v1/domains/auth.example.net/rrsets/"
	for n, want := range map[int][]string{
		1:   {"GET /api/v1/domains/auth.example.net/", "GET " + path + "?subname=name-0&type=TXT", "PATCH " + path, "GET " + path + "?subname=name-0&type=TXT"},
		100: {"PATCH " + path},
	} {
		if _, err := open(t, s).AppendRecords(t.Context(), zone.String(), conformance.Records(n, time.Minute)); err != nil {
			t.Fatal(err)
		}
		got := s.Asked()
		if n == 100 {
			got = writes(got)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d names: requests (-want +got):\n%s", n, diff)
		}
		if _, err := p.DeleteRecords(t.Context(), zone.String(), conformance.Records(n, time.Minute)); err != nil {
			t.Fatal(err)
		}
		s.Asked()
	}
}

func writes(asked []string) []string {
	var ws []string
	for _, a := range asked {
		if !strings.HasPrefix(a, "GET ") {
			ws = append(ws, a)
		}
	}
	return ws
}

func TestTTL(t *testing.T) { conformance.TestTTL(t, zone, serve, open, 3600, `"theirs"`) }

func TestNoZone(t *testing.T) {
	s := serve(t)
	s.Zone = "example.com"
	conformance.TestNoZone(t, open(t, s), s.URL, zone)
}

func TestConfigErrors(t *testing.T) {
	conformance.TestConfigs(t, desec.New, map[string]desec.Config{
		"token: it is missing": {},
		"url: a URL is expected, like https://dns.example.com/api": {Token: secret.Plain("t"), URL: "x"},
	})
}

// A policy is for exactly the names, after the one that forbids all.
func TestPolicy(t *testing.T) {
	owners := []delegation.Name{"www." + zone, zone, zone}
	p := open(t, serve(t)).(dns01.PolicyWriter).Policies(zone, owners)
	policies := conformance.Posted(t, p[0].Text, "TOKEN", "ADDRESS", "ID")
	want := []string{
		`{"name": "certctl auth.example.net", "allowed_subnets": ["1"]}`,
		`{"domain": null, "subname": null, "type": null}`,
		`{"domain": "auth.example.net", "subname": "", "type": "TXT", "perm_write": true}`,
		`{"domain": "auth.example.net", "subname": "www", "type": "TXT", "perm_write": true}`,
	}
	if diff := cmp.Diff(want, policies); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
}

// A token with policies for one name writes nothing else, unless it manages tokens.
func TestProbe(t *testing.T) {
	for _, test := range []struct {
		change      func(*fake.Service)
		wide, floor []dns01.Reach
	}{
		{func(s *fake.Service) { s.Owners, s.Other = []string{"a." + zone.String()}, "example.com" }, nil, nil},
		{func(s *fake.Service) { s.Owners, s.Manager = []string{"a." + zone.String()}, true }, []dns01.Reach{dns01.Account}, nil},
		{func(s *fake.Service) {}, []dns01.Reach{dns01.OtherNames, dns01.NamesBelow, dns01.OtherTypes}, nil},
		{func(s *fake.Service) { s.Other, s.Manager = "example.com", true }, []dns01.Reach{dns01.OtherNames, dns01.NamesBelow, dns01.OtherTypes, dns01.OtherZones, dns01.Account}, nil},
	} {
		s := serve(t)
		test.change(s)
		wide, floor := conformance.Reaches(t, open(t, s), zone, "a."+zone)
		if !slices.Equal(wide, test.wide) || !slices.Equal(floor, test.floor) {
			t.Errorf("got %q, and %q of every key, want %q and %q", wide, floor, test.wide, test.floor)
		}
	}
}
