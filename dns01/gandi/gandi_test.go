package gandi_test

import (
	"errors"
	"fmt"
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
	"certctl/dns01/web"
	"certctl/lab/service"
	fake "certctl/lab/service/gandi"
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
	p, err := gandi.New(gandi.Config{Token: secret.Plain(token), URL: s.URL + "/v5/livedns"}, zone, dns01.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestConformance(t *testing.T) {
	conformance.Test(t, func(t *testing.T) (dns01.Provider, conformance.World) {
		s := serve(t)
		s.Others = []string{token + ".example.com"}
		w := conformance.Hosted(&s.Service, zone, txt.Quote, txt.Unquote, token)
		w.Again = func() dns01.Provider { return open(t, s) }
		return open(t, s), w
	})
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

// The domain has a lowest TTL; a set that is there keeps its own.
func TestTTL(t *testing.T) {
	k := service.Key{Owner: "name-0." + zone.String(), Type: "TXT"}
	for there, want := range map[int]int{0: 300, 86400: 86400} {
		s := serve(t)
		if there > 0 {
			s.Do(func() { s.Put(k, service.Set{TTL: there, Data: []string{`"theirs"`}}) })
		}
		if _, err := open(t, s).AppendRecords(t.Context(), zone.String(), conformance.Records(1, time.Minute)); err != nil {
			t.Fatal(err)
		}
		s.Do(func() {
			if got := s.Get(k).TTL; got != want {
				t.Errorf("got a TTL of %d, want %d", got, want)
			}
		})
	}
}

func TestNoZone(t *testing.T) {
	s := serve(t)
	s.Zone = "example.com"
	_, err := open(t, s).AppendRecords(t.Context(), zone.String(), conformance.Records(1, time.Minute))
	e, ok := errors.AsType[*web.NoZoneError](err)
	if want := s.URL + " knows no zone auth.example.net for this key: "; !ok || !strings.HasPrefix(err.Error(), want) || e.Hint() == "" {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestConfigErrors(t *testing.T) {
	for want, c := range map[string]gandi.Config{
		"token: it is missing": {},
		"url: a URL is expected, like https://dns.example.com/api": {Token: secret.Plain("t"), URL: "x"},
	} {
		if _, err := gandi.New(c, zone, dns01.Environment{}); fmt.Sprint(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
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
