package ovh_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/conformance"
	"certctl/dns01/ovh"
	"certctl/dns01/txt"
	fake "certctl/lab/service/ovh"
	"certctl/secret"
)

const (
	zone     = delegation.Name("auth.example.net.")
	hidden   = "appl1cation-secret-that-must-not-show"
	consumer = "c0nsumer-key-that-must-not-show"
)

// narrow are the rules that the policy asks for.
func narrow(zone string) []fake.Rule {
	base := "/domain/zone/" + zone
	return fake.Rules("GET "+base+"/record", "GET "+base+"/record/*", "POST "+base+"/record", "DELETE "+base+"/record/*", "POST "+base+"/refresh")
}

func begin(t *testing.T) *fake.Service {
	t.Helper()
	return conformance.Begin(t, &fake.Service{Zone: zone.Bare(), Application: "app", Secret: hidden, Consumer: consumer, Rules: narrow(zone.Bare()), Ahead: time.Hour})
}

func open(t *testing.T, s *fake.Service, changes ...func(*ovh.Config)) dns01.Provider {
	t.Helper()
	c := ovh.Config{ApplicationKey: "app", ApplicationSecret: secret.Plain(hidden), ConsumerKey: secret.Plain(consumer), Endpoint: s.URL, TokenURL: s.URL + "/token"}
	for _, change := range changes {
		change(&c)
	}
	return conformance.Open(t, ovh.New, c, zone)
}

func add(t *testing.T, p dns01.Provider, owner delegation.Name) error {
	t.Helper()
	_, err := p.AppendRecords(t.Context(), zone.String(), []libdns.Record{libdns.RR{Name: owner.Relative(zone), Type: "TXT", Data: "v"}})
	return err
}

func TestConformance(t *testing.T) {
	conformance.TestHosted(t, zone, begin, func(t *testing.T, s *fake.Service) dns01.Provider { return open(t, s) }, txt.Quote, txt.Unquote, hidden, consumer)
}

// A zone is refreshed once after all records, and also when they were there.
func TestRefresh(t *testing.T) {
	s := begin(t)
	p := open(t, s)
	records := []libdns.Record{libdns.RR{Name: "a", Type: "TXT", Data: "v"}, libdns.RR{Name: "b", Type: "TXT", Data: "v"}}
	for i := range 2 {
		if _, err := p.AppendRecords(t.Context(), zone.String(), records); err != nil || s.Refreshed != i+1 {
			t.Errorf("got %v and %d refreshes, want %d", err, s.Refreshed, i+1)
		}
	}
}

func TestServiceAccount(t *testing.T) {
	s := begin(t)
	account := func(c *ovh.Config) {
		*c = ovh.Config{ClientID: "client", ClientSecret: secret.Plain(hidden), Endpoint: s.URL, TokenURL: s.URL + "/token"}
	}
	p := open(t, s, account)
	if err := add(t, p, zone); err != nil {
		t.Fatal(err)
	}
	if wide, _ := conformance.Reaches(t, p, zone, zone); len(wide) > 0 {
		t.Errorf("got %q, want nothing", wide)
	}
	s.Others, s.Rules = []string{"example.com"}, append(s.Rules, fake.Rules("GET /domain/zone", "GET /me")...)
	if wide, _ := conformance.Reaches(t, p, zone, zone); !slices.Equal(wide, []dns01.Reach{dns01.OtherZones, dns01.Account}) {
		t.Errorf("got %q, want other zones and the account", wide)
	}
	wrong := open(t, s, account, func(c *ovh.Config) { c.ClientSecret = secret.Plain("wr0ng") })
	if err := add(t, wrong, zone); err == nil || strings.Contains(err.Error(), "wr0ng") {
		t.Errorf("got %v, want an error without the secret", err)
	}
}

func TestErrors(t *testing.T) {
	s := begin(t)
	for _, test := range []struct {
		change func()
		want   string
	}{
		{func() { s.Rules = narrow("example.com") }, s.URL + " answered 403 Forbidden: This call has not been granted"},
		{func() { s.Rules, s.Zone = fake.Rules("GET /*"), "example.com" }, s.URL + " knows no zone auth.example.net for this key: "},
		{func() { s.Consumer = "other" }, s.URL + " answered 403 Forbidden: This credential does not exist"},
		{func() { s.Consumer, s.Secret = consumer, "other" }, s.URL + " answered 400 Bad Request: Invalid signature"},
	} {
		test.change()
		if err := add(t, open(t, s), zone); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
	full := ovh.Config{ApplicationKey: "a", ApplicationSecret: secret.Plain("s"), ConsumerKey: secret.Plain("c")}
	both, region := full, full
	both.ClientID, region.Region = "x", "asia"
	conformance.TestConfigs(t, ovh.New, map[string]ovh.Config{
		"application_key, application_secret and consumer_key are needed; or client_id and client_secret": {ApplicationKey: "a"},
		"client_id and client_secret come together":                                                       {ClientID: "a"},
		"client_id: there is an application too, and only one of the two is used":                         both,
		`region: "asia" is none of eu, ca, us`:                                                            region,
	})
}

func TestProbe(t *testing.T) {
	for _, test := range []struct {
		rules []fake.Rule
		want  []dns01.Reach
	}{
		{narrow(zone.Bare()), nil},
		{append(narrow(zone.Bare()), fake.Rules("GET /auth/*")...), nil},
		{append(narrow(zone.Bare()), fake.Rules("PUT /domain/zone/auth.example.net/*")...), []dns01.Reach{dns01.WholeZone}},
		{narrow("*"), []dns01.Reach{dns01.OtherZones}},
		{fake.Rules("GET /*", "POST /*"), []dns01.Reach{dns01.Account}},
		{append(narrow(zone.Bare()), fake.Rules("GET /domain/*", "GET /domain/zone")...), []dns01.Reach{dns01.OtherZones, dns01.Account}},
	} {
		s := begin(t)
		s.Rules = test.rules
		p := open(t, s)
		if err := p.(dns01.Pinger).Ping(t.Context(), zone, nil); err != nil {
			t.Error(err)
		}
		wide, floor := conformance.Reaches(t, p, zone, zone)
		if !slices.Equal(wide, test.want) || !slices.Equal(floor, []dns01.Reach{dns01.WholeZone}) {
			t.Errorf("%v: got %q, and %q of every key, want %q", test.rules, wide, floor, test.want)
		}
	}
}

func TestPolicy(t *testing.T) {
	p := open(t, begin(t)).(dns01.PolicyWriter).Policies(zone, nil)[0]
	for _, r := range narrow(zone.Bare()) {
		if want := fmt.Sprintf(`{"method": %q, "path": %q}`, r.Method, r.Path); !strings.Contains(p.Text, want) {
			t.Errorf("got %s, want %s in it", p.Text, want)
		}
	}
}
