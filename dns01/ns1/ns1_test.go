package ns1_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/conformance"
	"certctl/dns01/ns1"
	"certctl/lab/service"
	fake "certctl/lab/service/ns1"
	"certctl/secret"
)

const (
	zone = delegation.Name("auth.example.net.")
	key  = "k3y-that-must-not-show"
)

func begin(t *testing.T, owners ...string) *fake.Service {
	t.Helper()
	return conformance.Begin(t, &fake.Service{Zones: []string{zone.Bare(), "example.com"}, Key: key, Owners: owners})
}

func open(t *testing.T, s *fake.Service) dns01.Provider {
	t.Helper()
	return conformance.Open(t, ns1.New, ns1.Config{Key: secret.Plain(key), URL: s.URL}, zone)
}

func quote(value string) string {
	text, _ := json.Marshal(map[string]any{"answer": []string{value}})
	return string(text)
}

func unquote(data string) (string, error) {
	var a struct{ Answer []string }
	err := json.Unmarshal([]byte(data), &a)
	return strings.Join(a.Answer, ""), err
}

func TestConformance(t *testing.T) {
	conformance.Test(t, func(t *testing.T) (dns01.Provider, conformance.World) {
		s := begin(t)
		return open(t, s), conformance.Hosted(s, zone, quote, unquote, key)
	})
}

func add(t *testing.T, p dns01.Provider, name string) error {
	t.Helper()
	_, err := p.AppendRecords(t.Context(), zone.String(), []libdns.Record{libdns.RR{Name: name, Type: "TXT", TTL: 60e9, Data: "v"}})
	return err
}

// What others have added to their answers stays.
func TestMeta(t *testing.T) {
	s := begin(t)
	const theirs = `{"answer":["theirs"],"id":"1","meta":{"up":true}}`
	k := service.Key{Owner: "a." + zone.String(), Type: "TXT"}
	s.Do(func() { s.Put(k, service.Set{TTL: 300, Data: []string{theirs}}) })
	if err := add(t, open(t, s), "a"); err != nil {
		t.Fatal(err)
	}
	s.Do(func() {
		if got := s.Get(k); got.TTL != 300 || len(got.Data) != 2 || got.Data[0] != theirs {
			t.Errorf("got %v, want theirs as it was", got)
		}
	})
}

func TestErrors(t *testing.T) {
	s := begin(t)
	s.Zones = nil
	if err := add(t, open(t, s), "a"); err == nil || !strings.HasPrefix(err.Error(), s.URL+" knows no zone auth.example.net for this key") {
		t.Errorf("got %v, want that there is no such zone", err)
	}
	s.Key = "other"
	if err := add(t, open(t, s), "a"); err == nil || !strings.Contains(err.Error(), "401 Unauthorized") {
		t.Errorf("got %v, want that it is refused", err)
	}
	if _, err := ns1.New(ns1.Config{}, zone, dns01.Environment{}); fmt.Sprint(err) != "key: it is missing" {
		t.Errorf("got %v", err)
	}
}

func TestProbe(t *testing.T) {
	owner := "a." + zone
	for _, test := range []struct {
		owners []string
		want   []dns01.Reach
	}{
		{[]string{owner.Bare()}, nil},
		{nil, []dns01.Reach{dns01.OtherNames, dns01.NamesBelow, dns01.OtherZones, dns01.Account}},
	} {
		p := open(t, begin(t, test.owners...))
		if err := add(t, p, "a"); err != nil {
			t.Fatal(err)
		}
		if wide, floor := conformance.Reaches(t, p, zone, owner); !slices.Equal(wide, test.want) || len(floor) > 0 {
			t.Errorf("got %q, and %q of every key, want %q", wide, floor, test.want)
		}
	}
}

// A key for some records is good for these and no others.
func TestPing(t *testing.T) {
	owner := "a." + zone
	p := open(t, begin(t, owner.Bare())).(dns01.Pinger)
	if err := p.Ping(t.Context(), zone, []delegation.Name{owner}); err != nil {
		t.Error(err)
	}
	err := p.Ping(t.Context(), zone, []delegation.Name{owner, "b." + zone})
	if _, refused := errors.AsType[dns01.Refusal](err); !refused {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestPolicy(t *testing.T) {
	p := open(t, begin(t)).(dns01.PolicyWriter).Policies(zone, []delegation.Name{"b." + zone, "a." + zone})[0]
	_, text, _ := strings.Cut(p.Text, "--data '")
	var key struct {
		Permissions struct {
			DNS struct {
				Default bool                                  `json:"zones_allow_by_default"`
				Records []struct{ Zone, Domain, Type string } `json:"records_allow"`
			}
		}
	}
	if err := json.Unmarshal([]byte(strings.TrimSuffix(text, "'\n")), &key); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(key.Permissions.DNS); got != "{false [{auth.example.net a.auth.example.net TXT} {auth.example.net b.auth.example.net TXT}]}" {
		t.Errorf("got %s, want the two records only", got)
	}
}
