package digitalocean_test

import (
	"errors"
	"fmt"
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
	"certctl/dns01/web"
	fake "certctl/lab/service/digitalocean"
	"certctl/secret"
)

const (
	zone  = delegation.Name("auth.example.net.")
	token = "t0ken-that-must-not-show"
)

func serve(t *testing.T) *fake.Service {
	t.Helper()
	s := &fake.Service{Zone: zone.Bare(), Token: token}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func open(t *testing.T, s *fake.Service) dns01.Provider {
	t.Helper()
	p, err := digitalocean.New(digitalocean.Config{Token: secret.Plain(token), URL: s.URL + "/v2"}, zone, dns01.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestConformance(t *testing.T) {
	conformance.Test(t, func(t *testing.T) (dns01.Provider, conformance.World) {
		s := serve(t)
		s.Others = []string{token + ".example.com"}
		w := conformance.Hosted(&s.Service, zone, nil, nil, token)
		w.Again = func() dns01.Provider { return open(t, s) }
		return open(t, s), w
	})
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
	rs := []libdns.Record{libdns.RR{Name: "www", Type: "TXT", Data: "v"}}
	_, err := open(t, s).AppendRecords(t.Context(), zone.String(), rs)
	e, ok := errors.AsType[*web.NoZoneError](err)
	if want := s.URL + " knows no zone auth.example.net for this key: "; !ok || !strings.HasPrefix(err.Error(), want) || e.Hint() == "" {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestConfigErrors(t *testing.T) {
	for want, c := range map[string]digitalocean.Config{
		"token: it is missing": {},
		"url: a URL is expected, like https://dns.example.com/api": {Token: secret.Plain("t"), URL: "x"},
	} {
		if _, err := digitalocean.New(c, zone, dns01.Environment{}); fmt.Sprint(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
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
