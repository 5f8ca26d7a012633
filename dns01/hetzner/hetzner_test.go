package hetzner_test

import (
	"context"
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
	"certctl/dns01/hetzner"
	"certctl/dns01/txt"
	"certctl/lab/service"
	fake "certctl/lab/service/hetzner"
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
	return conformance.Open(t, hetzner.New, hetzner.Config{Token: secret.Plain(token), URL: s.URL + "/v1"}, zone)
}

func TestConformance(t *testing.T) {
	more := func(t *testing.T) *fake.Service {
		s := serve(t)
		s.Others = []string{token + ".example.com"}
		return s
	}
	conformance.TestHosted(t, zone, more, open, txt.Quote, txt.Unquote, token)
}

func records(n int) []libdns.Record {
	var rs []libdns.Record
	for i := range n {
		rs = append(rs, libdns.RR{Name: "www", Type: "TXT", TTL: time.Second, Data: fmt.Sprint(i)})
	}
	return rs
}

func write(t *testing.T, p dns01.Provider) error {
	t.Helper()
	_, err := p.AppendRecords(t.Context(), zone.String(), records(2))
	return err
}

func TestRequests(t *testing.T) {
	s := serve(t)
	if err := write(t, open(t, s)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"GET /v1/zones/auth.example.net",
		"GET /v1/zones/auth.example.net/rrsets/www/TXT",
		"POST /v1/zones/auth.example.net/rrsets/www/TXT/actions/add_records",
	}
	if diff := cmp.Diff(want, s.Asked()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestTTL(t *testing.T) { conformance.TestTTL(t, zone, serve, open, 60, `"theirs"`) }

// The service says when its servers have the values, or never will.
func TestStatus(t *testing.T) {
	for _, test := range []struct {
		steps int
		fails string
		want  string
	}{
		{3, "", "<nil>"},
		{1, "zone is broken", "the service gave the change up: URL has failed: zone is broken (action_failed)"},
		{1e6, "", context.DeadlineExceeded.Error()},
	} {
		s := serve(t)
		s.Steps, s.Fails = test.steps, test.fails
		p := open(t, s)
		if err := write(t, p); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err := p.(dns01.StatusWaiter).WaitStatus(ctx, zone)
		cancel()
		if got := strings.ReplaceAll(fmt.Sprint(err), s.URL, "URL"); !strings.HasSuffix(got, test.want) {
			t.Errorf("got %s, want %s", got, test.want)
		}
		if _, abandoned := errors.AsType[*dns01.AbandonedError](err); abandoned != (test.fails != "") {
			t.Errorf("got %v, abandoned %t", err, abandoned)
		}
	}
}

// An action that fails at once is an error at once.
func TestFailure(t *testing.T) {
	s := serve(t)
	s.Fails = "zone is broken"
	if err := write(t, open(t, s)); err == nil || !strings.HasSuffix(err.Error(), " has failed: zone is broken (action_failed)") {
		t.Errorf("got %v", err)
	}
}

func TestZones(t *testing.T) {
	for _, test := range []struct{ zone, mode, want string }{
		{"example.com", "", " knows no zone auth.example.net for this key: "},
		{"auth.example.net", "secondary", " copies auth.example.net from other servers, and takes no records of its own"},
	} {
		s := serve(t)
		s.Zone, s.Mode = test.zone, test.mode
		if err := write(t, open(t, s)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

// What is wrong with a request for good is not sent again and again.
func TestInvalid(t *testing.T) {
	s := serve(t)
	s.Fail(service.Fault{After: 2, Times: 100, Status: 422, Body: `{"error": {"code": "invalid_input", "message": "no such thing"}}`})
	p := open(t, s)
	if err := write(t, p); err == nil || !strings.Contains(err.Error(), "no such thing (invalid_input)") {
		t.Errorf("got %v", err)
	}
	if got := len(s.Asked()); got > 4 {
		t.Errorf("got %d requests, want 4", got)
	}
}

func TestConfigErrors(t *testing.T) {
	conformance.TestConfigs(t, hetzner.New, map[string]hetzner.Config{
		"token: it is missing": {},
		"url: a URL is expected, like https://dns.example.com/api": {Token: secret.Plain("t"), URL: "x"},
	})
}

func TestPolicy(t *testing.T) {
	p := open(t, serve(t)).(dns01.PolicyWriter).Policies(zone, []delegation.Name{zone})
	if len(p) != 1 || !strings.Contains(p[0].Text, "auth.example.net") || !strings.Contains(p[0].Excess, "project") {
		t.Errorf("got %+v", p)
	}
}

// No token is for less than a project: what counts is what is in it.
func TestProbe(t *testing.T) {
	for _, test := range []struct {
		change      func(*fake.Service)
		wide, floor []dns01.Reach
	}{
		{func(s *fake.Service) {}, nil, []dns01.Reach{dns01.WholeZone, dns01.OtherZones, dns01.Account}},
		{func(s *fake.Service) { s.Others = []string{"example.com"} }, []dns01.Reach{dns01.OtherZones}, []dns01.Reach{dns01.WholeZone, dns01.OtherZones, dns01.Account}},
		{func(s *fake.Service) { s.Things = map[string]int{"servers": 2} }, []dns01.Reach{dns01.Account}, []dns01.Reach{dns01.WholeZone, dns01.OtherZones, dns01.Account}},
	} {
		s := serve(t)
		test.change(s)
		wide, floor := conformance.Reaches(t, open(t, s), zone, "a."+zone)
		if !slices.Equal(wide, test.wide) || !slices.Equal(floor, test.floor) {
			t.Errorf("got %q, and %q of every key, want %q and %q", wide, floor, test.wide, test.floor)
		}
	}
}
