package linode_test

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
	"certctl/dns01/linode"
	"certctl/lab/service"
	fake "certctl/lab/service/linode"
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

func open(t *testing.T, s *fake.Service, zoneID int) dns01.Provider {
	t.Helper()
	return conformance.Open(t, linode.New, linode.Config{Token: secret.Plain(token), ZoneID: zoneID, URL: s.URL + "/v4"}, zone)
}

func TestConformance(t *testing.T) {
	conformance.Test(t, func(t *testing.T) (dns01.Provider, conformance.World) {
		s := serve(t)
		s.Scopes = "domains:read_write " + token
		w := conformance.Hosted(s, zone, nil, nil, token)
		w.Again = func() dns01.Provider { return open(t, s, fake.ZoneID) }
		return open(t, s, 0), w
	})
}

func write(t *testing.T, p dns01.Provider, ttl time.Duration) error {
	t.Helper()
	rs := []libdns.Record{libdns.RR{Name: "www", Type: "TXT", TTL: ttl, Data: "v"}}
	_, err := p.AppendRecords(t.Context(), zone.String(), rs)
	return err
}

func TestRequests(t *testing.T) {
	s := serve(t)
	if err := write(t, open(t, s, 0), time.Minute); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"GET /v4/domains",
		"GET /v4/domains/1234/records?page=1&page_size=500",
		"POST /v4/domains/1234/records",
	}
	if diff := cmp.Diff(want, s.Asked()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// There are some TTLs only.
func TestTTL(t *testing.T) {
	for ttl, want := range map[time.Duration]int{0: 300, time.Minute: 300, 301 * time.Second: 3600, time.Hour: 3600, 1e6 * time.Hour: 2419200} {
		s := serve(t)
		if err := write(t, open(t, s, 0), ttl); err != nil {
			t.Fatal(err)
		}
		s.Do(func() {
			if got := s.Get(service.Key{Owner: "www." + zone.String(), Type: "TXT"}).TTL; got != want {
				t.Errorf("%v: got %d, want %d", ttl, got, want)
			}
		})
	}
}

func TestZones(t *testing.T) {
	for _, test := range []struct {
		zone, kind string
		id         int
		want       string
	}{
		{"example.com", "", 0, " knows no zone auth.example.net"},
		{"auth.example.net", "", 1, " knows no zone auth.example.net for this key: "},
		{"example.com", "", fake.ZoneID, "zone_id: 1234 is not the id of auth.example.net"},
		{"auth.example.net", "slave", 0, " copies auth.example.net from other servers, and takes no records of its own"},
	} {
		s := serve(t)
		s.Zone, s.Type = test.zone, test.kind
		if err := write(t, open(t, s, test.id), 0); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	conformance.TestConfigs(t, linode.New, map[string]linode.Config{
		"token: it is missing": {},
		"url: a URL is expected, like https://dns.example.com/api": {Token: secret.Plain("t"), URL: "x"},
	})
}

func TestPolicy(t *testing.T) {
	p := open(t, serve(t), 0).(dns01.PolicyWriter).Policies(zone, []delegation.Name{zone})
	posted := conformance.Posted(t, p[0].Text, "TOKEN", "EXPIRY")
	if len(p) != 1 || len(posted) != 1 || posted[0] != `{"label": "certctl", "scopes": "domains:read_write", "expiry": "1"}` || !strings.Contains(p[0].Excess, "auth.example.net") {
		t.Errorf("got %+v", p)
	}
}

// A user may be granted single domains, and a token be for domains only.
func TestProbe(t *testing.T) {
	for _, test := range []struct {
		change      func(*fake.Service)
		wide, floor []dns01.Reach
	}{
		{func(s *fake.Service) { s.Granted = []string{zone.Bare()} }, nil, []dns01.Reach{dns01.WholeZone}},
		{func(s *fake.Service) { s.Granted = []string{zone.Bare(), "example.com"} }, []dns01.Reach{dns01.OtherZones}, []dns01.Reach{dns01.WholeZone}},
		{func(s *fake.Service) {
			s.Granted, s.Scopes = []string{zone.Bare()}, "domains:read_write linodes:read_only"
		}, []dns01.Reach{dns01.Account}, []dns01.Reach{dns01.WholeZone}},
		{func(s *fake.Service) { s.Scopes = "*" }, []dns01.Reach{dns01.OtherZones, dns01.Account}, []dns01.Reach{dns01.WholeZone}},
	} {
		s := serve(t)
		test.change(s)
		wide, floor := conformance.Reaches(t, open(t, s, 0), zone, "a."+zone)
		if !slices.Equal(wide, test.wide) || !slices.Equal(floor, test.floor) {
			t.Errorf("got %q, and %q of every key, want %q and %q", wide, floor, test.wide, test.floor)
		}
	}
}
