package powerdns_test

import (
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
	"certctl/dns01/powerdns"
	"certctl/dns01/txt"
	"certctl/lab/service"
	fake "certctl/lab/service/powerdns"
	"certctl/secret"
)

const (
	zone = delegation.Name("auth.example.net.")
	key  = "t0p-secret-api-key"
)

func serve(t *testing.T) *fake.Service {
	t.Helper()
	return conformance.Begin(t, &fake.Service{Zone: zone.String(), Key: key})
}

func open(t *testing.T, s *fake.Service) dns01.Provider {
	t.Helper()
	return conformance.Open(t, powerdns.New, powerdns.Config{URL: s.URL, APIKey: secret.Plain(key)}, zone)
}

// A server that knows single records; one that does not is in lab/debian.
func TestConformance(t *testing.T) {
	more := func(t *testing.T) *fake.Service {
		s := serve(t)
		s.Others = []string{key + ".example.com."}
		return s
	}
	conformance.TestHosted(t, zone, more, open, txt.Quote, txt.Unquote, key)
}

func write(t *testing.T, p dns01.Provider, n int) error {
	t.Helper()
	var rs []libdns.Record
	for i := range n {
		rs = append(rs, libdns.RR{Name: fmt.Sprintf("name-%d", i), Type: "TXT", TTL: time.Minute, Data: "v"})
	}
	_, err := p.AppendRecords(t.Context(), zone.String(), rs)
	return err
}

// Many names are one request, and secondaries are told where there can be any.
func TestRequests(t *testing.T) {
	const path = "/api/v1/servers/localhost/zones/auth.example.net."
	for kind, want := range map[string][]string{
		"Native": {"GET " + path + "?rrsets=false", "GET " + path, "PATCH " + path},
		"Master": {"GET " + path + "?rrsets=false", "GET " + path, "PATCH " + path, "PUT " + path + "/notify"},
	} {
		s := serve(t)
		s.Kind = kind
		if err := write(t, open(t, s), 100); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, s.Asked()); diff != "" {
			t.Errorf("%s: requests (-want +got):\n%s", kind, diff)
		}
	}
}

// A set that is there keeps its TTL.
func TestTTL(t *testing.T) {
	s := serve(t)
	k := service.Key{Owner: "name-0." + zone.String(), Type: "TXT"}
	s.Do(func() { s.Put(k, service.Set{TTL: 86400, Data: []string{`"theirs"`}}) })
	if err := write(t, open(t, s), 2); err != nil {
		t.Fatal(err)
	}
	s.Do(func() {
		if got := s.Get(k); got.TTL != 86400 || len(got.Data) != 2 {
			t.Errorf("got %v, want both with theirs", got)
		}
		k.Owner = "name-1." + zone.String()
		if got := s.Get(k); got.TTL != 60 {
			t.Errorf("new: got %v, want 60", got)
		}
	})
}

// Nothing is put beside an alias, although the server would take it.
func TestAlias(t *testing.T) {
	s := serve(t)
	s.Do(func() {
		s.Put(service.Key{Owner: "name-1." + zone.String(), Type: "CNAME"}, service.Set{TTL: 60, Data: []string{"x.example.org."}})
	})
	err := write(t, open(t, s), 2)
	if want := ": name-1.auth.example.net. is an alias (CNAME) for x.example.org., and nothing can stand beside an alias"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	s.Do(func() {
		if got := s.Keys(); len(got) != 1 {
			t.Errorf("got %v, want the alias alone", got)
		}
	})
}

// A server that is busy with its database is asked again.
func TestLocked(t *testing.T) {
	s := serve(t)
	s.Fail(service.Fault{After: 1, Status: 500, Body: "Internal Server Error", Header: map[string][]string{"Retry-After": {"0"}}})
	if err := write(t, open(t, s), 1); err != nil {
		t.Error(err)
	}
}

func TestZones(t *testing.T) {
	for _, test := range []struct{ zone, kind, want string }{
		{"example.com.", "", " knows no zone auth.example.net for this key: "},
		{"auth.example.net.", "Slave", " copies auth.example.net from other servers, and takes no records of its own"},
	} {
		s := &fake.Service{Zone: test.zone, Kind: test.kind, Key: key}
		s.Start()
		defer s.Close()
		if err := write(t, open(t, s), 1); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	k := secret.Plain("k")
	conformance.TestConfigs(t, powerdns.New, map[string]powerdns.Config{
		"api_key: it is missing": {URL: "https://ns1.example.net:8081"},
		"url: it is missing":     {APIKey: k},
		"url: https is needed: only on this host itself may a secret go over plain http, and ns1.example.net is not": {URL: "http://ns1.example.net:8081", APIKey: k},
		`server_id: "a/b" is not the name of a server`:                                                               {URL: "https://ns1.example.net:8081", APIKey: k, ServerID: "a/b"},
	})
}

func TestPolicy(t *testing.T) {
	p := open(t, serve(t)).(dns01.PolicyWriter).Policies(zone, []delegation.Name{zone})
	if len(p) != 1 || !strings.Contains(p[0].Text, "set-meta auth.example.net SOA-EDIT-API DEFAULT") || p[0].Excess == "" {
		t.Errorf("got %+v", p)
	}
}

// There is one key for all of a server, unless a proxy lets through a part only.
func TestProbe(t *testing.T) {
	for _, test := range []struct {
		change      func(*fake.Service)
		wide, floor []dns01.Reach
	}{
		{func(s *fake.Service) { s.Proxied = true }, nil, []dns01.Reach{dns01.WholeZone}},
		{func(s *fake.Service) {}, nil, []dns01.Reach{dns01.WholeZone, dns01.Account}},
		{func(s *fake.Service) { s.Others = []string{"example.com."} }, []dns01.Reach{dns01.OtherZones}, []dns01.Reach{dns01.WholeZone, dns01.Account}},
	} {
		s := serve(t)
		test.change(s)
		wide, floor := conformance.Reaches(t, open(t, s), zone, "a."+zone)
		if !slices.Equal(wide, test.wide) || !slices.Equal(floor, test.floor) {
			t.Errorf("got %q, and %q of every key, want %q and %q", wide, floor, test.wide, test.floor)
		}
	}
}
