package cloudflare_test

import (
	"encoding/json"
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
	"certctl/dns01/cloudflare"
	"certctl/dns01/conformance"
	"certctl/dns01/txt"
	fake "certctl/lab/service/cloudflare"
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

func open(t *testing.T, s *fake.Service, zoneID string) dns01.Provider {
	t.Helper()
	c := cloudflare.Config{Token: secret.Plain(token), ZoneID: zoneID, URL: s.URL}
	return conformance.Open(t, cloudflare.New, c, zone)
}

func TestConformance(t *testing.T) {
	conformance.Test(t, func(t *testing.T) (dns01.Provider, conformance.World) {
		s := serve(t)
		s.Twins, s.Broad = []fake.Zone{{ID: "f00d", Name: "example.com"}}, true
		w := conformance.Hosted(s, zone, txt.Quote, txt.Unquote, token)
		w.Again = func() dns01.Provider { return open(t, s, fake.ZoneID) }
		return open(t, s, ""), w
	})
}

func write(t *testing.T, p dns01.Provider, rs []libdns.Record) error {
	t.Helper()
	_, err := p.AppendRecords(t.Context(), zone.String(), rs)
	return err
}

// Many names are few requests.
func TestRequests(t *testing.T) {
	s := serve(t)
	p := open(t, s, "")
	const path = "/zones/" + fake.ZoneID + "/dns_records"
	list := "GET " + path + "?page=%d&per_page=100&type=TXT"
	for _, test := range []struct {
		do   func() error
		want []string
	}{
		{func() error { return write(t, p, conformance.Records(1, time.Second)) }, []string{
			"GET /zones?name=auth.example.net&per_page=50",
			"GET " + path + "?name.exact=name-0.auth.example.net&page=1&per_page=100&type=TXT", "POST " + path + "/batch",
		}},
		{func() error { return write(t, p, conformance.Records(100, time.Second)) }, []string{fmt.Sprintf(list, 1), "POST " + path + "/batch"}},
		{func() error {
			_, err := p.DeleteRecords(t.Context(), zone.String(), conformance.Records(100, time.Second))
			return err
		}, []string{
			fmt.Sprintf(list, 1), fmt.Sprintf(list, 2), fmt.Sprintf(list, 3), fmt.Sprintf(list, 4), fmt.Sprintf(list, 5),
			"POST " + path + "/batch",
		}},
	} {
		if err := test.do(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, s.Asked()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	}
}

func TestZones(t *testing.T) {
	other := fake.Zone{ID: "f00d", Name: zone.Bare(), Status: "active"}
	moved := fake.Zone{ID: "f00d", Name: zone.Bare(), Status: "moved"}
	for _, test := range []struct {
		name, zone, id string
		twins          []fake.Zone
		want, hint     string
	}{
		{"none", "example.com", "", nil, " knows no zone auth.example.net", "is auth.example.net served by the account"},
		{"two", "auth.example.net", "", []fake.Zone{other}, " has 2 zones called auth.example.net", "set zone_id: to the one that the name servers serve: " + fake.ZoneID + ", f00d"},
		{"one moved", "auth.example.net", "", []fake.Zone{moved}, "", ""},
		{"wrong id", "auth.example.net", "f00d", nil, " knows no zone auth.example.net for this key: ", "is auth.example.net served"},
		{"id of another", "example.com", fake.ZoneID, nil, "zone_id: " + fake.ZoneID + " is not the id of auth.example.net", ""},
	} {
		s := serve(t)
		s.Zone, s.Twins = test.zone, test.twins
		err := write(t, open(t, s, test.id), conformance.Records(3, time.Second))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
		h, _ := errors.AsType[interface {
			error
			Hint() string
		}](err)
		if test.hint != "" && (h == nil || !strings.HasPrefix(h.Hint(), test.hint)) {
			t.Errorf("%s: got %v, want a hint like %s", test.name, h, test.hint)
		}
		if err != nil && len(s.Keys()) > 0 {
			t.Errorf("%s: got %v, want nothing left there", test.name, s.Keys())
		}
	}
}

func TestConfigErrors(t *testing.T) {
	conformance.TestConfigs(t, cloudflare.New, map[string]cloudflare.Config{
		"token: it is missing": {},
		"url: a URL is expected, like https://dns.example.com/api": {Token: secret.Plain("t"), URL: "x"},
		`zone_id: "a/b" is not the id of a zone`:                   {Token: secret.Plain("t"), ZoneID: "a/b"},
	})
}

// The command asks for a token for one zone.
func TestPolicy(t *testing.T) {
	p := open(t, serve(t), "").(dns01.PolicyWriter).Policies(zone, []delegation.Name{zone})
	var token struct {
		Policies []struct {
			Effect    string
			Resources map[string]string
			Groups    []struct{ ID, Name string } `json:"permission_groups"`
		}
		Condition any
	}
	for _, posted := range conformance.Posted(t, p[0].Text, "TOKEN", "ADDRESS", "ZONE_ID") {
		if err := json.Unmarshal([]byte(posted), &token); err != nil {
			t.Fatal(err)
		}
	}
	got := fmt.Sprint(len(p), token)
	if want := "1 {[{allow map[com.cloudflare.api.account.zone.1:*] [{4755a26eedb94da69e1066d98aa820be DNS Write} {c8fed203ed3043cba015a93ad1616f1f Zone Read}]}] map[request_ip:map[in:[1]]]}"; got != want || p[0].Excess == "" {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A token may see other zones without writing them. What every token may do is no
// news.
func TestProbe(t *testing.T) {
	for _, test := range []struct {
		change      func(*fake.Service)
		wide, floor []dns01.Reach
	}{
		{func(s *fake.Service) { s.Owned = true }, nil, []dns01.Reach{dns01.WholeZone}},
		{func(s *fake.Service) {}, nil, []dns01.Reach{dns01.WholeZone}},
		{func(s *fake.Service) { s.Twins = []fake.Zone{{ID: "f00d", Name: "example.com"}} }, nil, []dns01.Reach{dns01.WholeZone}},
		{func(s *fake.Service) { s.Twins, s.Broad = []fake.Zone{{ID: "f00d", Name: "example.com"}}, true }, []dns01.Reach{dns01.OtherZones, dns01.Account}, []dns01.Reach{dns01.WholeZone}},
	} {
		s := serve(t)
		test.change(s)
		wide, floor := conformance.Reaches(t, open(t, s, fake.ZoneID), zone, "a."+zone)
		if !slices.Equal(wide, test.wide) || !slices.Equal(floor, test.floor) {
			t.Errorf("got %q, and %q of every key, want %q and %q", wide, floor, test.wide, test.floor)
		}
	}
}
