package porkbun_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/conformance"
	"certctl/dns01/porkbun"
	fake "certctl/lab/service/porkbun"
	"certctl/secret"
)

const (
	zone      = delegation.Name("auth.example.net.")
	key       = "pk1_that-must-not-show"
	secretKey = "sk1_that-must-not-show"
)

func serve(t *testing.T) *fake.Service {
	t.Helper()
	return conformance.Begin(t, &fake.Service{Zone: zone.Bare(), Key: key, SecretKey: secretKey})
}

func open(t *testing.T, s *fake.Service) dns01.Provider {
	t.Helper()
	c := porkbun.Config{APIKey: secret.Plain(key), SecretAPIKey: secret.Plain(secretKey), URL: s.URL + "/api/json/v3"}
	return conformance.Open(t, porkbun.New, c, zone)
}

func TestConformance(t *testing.T) {
	more := func(t *testing.T) *fake.Service {
		s := serve(t)
		s.Open = []string{"example.com"}
		return s
	}
	conformance.TestHosted(t, zone, more, open, nil, nil, key, secretKey)
}

func write(t *testing.T, p dns01.Provider) error {
	t.Helper()
	rs := []libdns.Record{libdns.RR{Name: "www", Type: "TXT", Data: "v"}}
	_, err := p.AppendRecords(t.Context(), zone.String(), rs)
	return err
}

func TestRequests(t *testing.T) {
	s := serve(t)
	if err := write(t, open(t, s)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"POST /api/json/v3/dns/retrieveByNameType/auth.example.net/TXT/www",
		"POST /api/json/v3/dns/create/auth.example.net",
	}
	if diff := cmp.Diff(want, s.Asked()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestAccess(t *testing.T) {
	for _, test := range []struct {
		change func(*fake.Service)
		want   string
		hint   bool
	}{
		{func(s *fake.Service) { s.Zone = "example.com" }, " does not give these keys the domain auth.example.net: ", true},
		{func(s *fake.Service) { s.Closed = true }, "not opted in to API access.", true},
		{func(s *fake.Service) { s.Key = "other" }, " answered 400 Bad Request: Invalid API key. (002)", false},
	} {
		s := serve(t)
		test.change(s)
		err := write(t, open(t, s))
		e, ok := errors.AsType[*porkbun.AccessError](err)
		if err == nil || !strings.Contains(err.Error(), test.want) || ok != test.hint {
			t.Errorf("got %v, want %s", err, test.want)
		}
		if ok && !strings.Contains(e.Hint(), "API Access on for auth.example.net") {
			t.Errorf("got hint %s", e.Hint())
		}
	}
}

func TestConfigErrors(t *testing.T) {
	both := porkbun.Config{APIKey: secret.Plain("a"), SecretAPIKey: secret.Plain("b"), URL: "x"}
	conformance.TestConfigs(t, porkbun.New, map[string]porkbun.Config{
		"api_key and secret_api_key come together":                 {APIKey: secret.Plain("a")},
		"url: a URL is expected, like https://dns.example.com/api": both,
	})
}

func TestPolicy(t *testing.T) {
	p := open(t, serve(t)).(dns01.PolicyWriter).Policies(zone, []delegation.Name{zone})
	if len(p) != 1 || !strings.Contains(p[0].Text, "auth.example.net, API Access on") || p[0].Excess == "" {
		t.Errorf("got %+v", p)
	}
}

// Domains without API access are out of reach.
func TestProbe(t *testing.T) {
	for _, test := range []struct {
		change      func(*fake.Service)
		wide, floor []dns01.Reach
	}{
		{func(s *fake.Service) {}, nil, []dns01.Reach{dns01.WholeZone}},
		{func(s *fake.Service) { s.Shut = []string{"example.com"} }, nil, []dns01.Reach{dns01.WholeZone}},
		{func(s *fake.Service) { s.Open, s.Shut = []string{"example.org"}, []string{"example.com"} }, []dns01.Reach{dns01.OtherZones}, []dns01.Reach{dns01.WholeZone}},
	} {
		s := serve(t)
		test.change(s)
		wide, floor := conformance.Reaches(t, open(t, s), zone, "a."+zone)
		if !slices.Equal(wide, test.wide) || !slices.Equal(floor, test.floor) {
			t.Errorf("got %q, and %q of every key, want %q and %q", wide, floor, test.wide, test.floor)
		}
	}
}
