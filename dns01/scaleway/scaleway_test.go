package scaleway_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/conformance"
	"certctl/dns01/scaleway"
	"certctl/dns01/txt"
	"certctl/lab/service"
	fake "certctl/lab/service/scaleway"
	"certctl/secret"
)

const (
	zone = delegation.Name("auth.example.net.")
	key  = "s3cret-key-that-must-not-show"
)

func begin(t *testing.T) *fake.Service {
	t.Helper()
	return conformance.Begin(t, &fake.Service{Zone: zone.Bare(), Key: key, Page: 7})
}

func open(t *testing.T, s *fake.Service) dns01.Provider {
	t.Helper()
	return conformance.Open(t, scaleway.New, scaleway.Config{SecretKey: secret.Plain(key), URL: s.URL + "/domain/v2beta1"}, zone)
}

func TestConformance(t *testing.T) {
	conformance.TestHosted(t, zone, begin, open, txt.Quote, txt.Unquote, key)
}

// A hundred names are one request, after a look at what is there.
func TestRequests(t *testing.T) {
	s := begin(t)
	s.Page = 0
	var records []libdns.Record
	for i := range 100 {
		records = append(records, libdns.RR{Name: fmt.Sprintf("name-%d", i), Type: "TXT", Data: "v"})
	}
	if _, err := open(t, s).AppendRecords(t.Context(), zone.String(), records); err != nil {
		t.Fatal(err)
	}
	if asked := s.Asked(); len(asked) != 2 || !strings.HasPrefix(asked[1], "PATCH ") {
		t.Errorf("got %q, want a GET and a PATCH", asked)
	}
}

// Records that are not what they were when they were listed are listed again.
func TestChanged(t *testing.T) {
	for _, test := range []service.Fault{
		{After: 1, Status: http.StatusNotFound, Body: `{"type": "not_found", "message": "resource is not found", "resource": "record", "resource_id": "10001"}`},
		{After: 1, Status: http.StatusConflict, Body: `{"type": "conflict", "message": "somebody else writes"}`},
	} {
		s := begin(t)
		k := service.Key{Owner: zone.String(), Type: "TXT"}
		s.Do(func() { s.Put(k, service.Set{TTL: 60, Data: []string{`"ours"`, `"theirs"`}}) })
		s.Fail(test)
		_, err := open(t, s).DeleteRecords(t.Context(), zone.String(), []libdns.Record{libdns.RR{Name: "@", Type: "TXT", Data: "ours"}})
		var methods []string
		for _, asked := range s.Asked() {
			method, _, _ := strings.Cut(asked, " ")
			methods = append(methods, method)
		}
		if want := []string{"GET", "PATCH", "GET", "PATCH"}; err != nil || !slices.Equal(methods, want) {
			t.Errorf("%d: got %q, %v, want %q", test.Status, methods, err, want)
		}
		s.Do(func() {
			if got, want := s.Get(k).Data, []string{`"theirs"`}; !slices.Equal(got, want) {
				t.Errorf("%d: got %q, want %q", test.Status, got, want)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	s := begin(t)
	p := open(t, s)
	add := func() error {
		_, err := p.AppendRecords(t.Context(), zone.String(), []libdns.Record{libdns.RR{Name: "@", Type: "TXT", Data: "v"}})
		return err
	}
	s.Zone = "example.com"
	if err := add(); err == nil || !strings.HasPrefix(err.Error(), s.URL+" knows no zone auth.example.net for this key") {
		t.Errorf("got %v, want that there is no such zone", err)
	}
	s.Key = "other"
	if err := add(); err == nil || !strings.Contains(err.Error(), "401 Unauthorized") {
		t.Errorf("got %v, want that it is refused", err)
	}
	if _, err := scaleway.New(scaleway.Config{}, zone, dns01.Environment{}); fmt.Sprint(err) != "secret_key: it is missing" {
		t.Errorf("got %v", err)
	}
}

func TestProbe(t *testing.T) {
	for _, test := range []struct {
		other []string
		full  bool
		want  []dns01.Reach
	}{
		{nil, false, nil},
		{[]string{"www.example.com"}, false, []dns01.Reach{dns01.OtherZones}},
		{nil, true, []dns01.Reach{dns01.Account}},
	} {
		s := begin(t)
		s.Other, s.Full = test.other, test.full
		p := open(t, s)
		if err := p.(dns01.Pinger).Ping(t.Context(), zone, nil); err != nil {
			t.Error(err)
		}
		wide, floor := conformance.Reaches(t, p, zone, zone)
		if !slices.Equal(wide, test.want) || !slices.Equal(floor, []dns01.Reach{dns01.WholeZone}) {
			t.Errorf("got %q, and %q of every key, want %q", wide, floor, test.want)
		}
	}
}

func TestPolicy(t *testing.T) {
	if p := open(t, begin(t)).(dns01.PolicyWriter).Policies(zone, nil)[0]; !strings.Contains(p.Text, "certctl-auth.example.net") || p.Excess == "" {
		t.Errorf("got %+v", p)
	}
}
