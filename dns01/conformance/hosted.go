package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/lab/service"
)

// Sets is what made-up services have in common.
type Sets interface {
	Do(func())
	Get(service.Key) service.Set
	Put(service.Key, service.Set)
	Fail(...service.Fault)
	Sent() []string
}

// Service is a made-up service, before it serves.
type Service interface {
	Sets
	Start()
	Close()
}

// Constructor is how the package of a provider makes one of a configuration.
type Constructor[C any] func(C, delegation.Name, dns01.Environment) (dns01.Provider, error)

// Begin starts a made-up service, which ends with the test.
func Begin[S Service](t *testing.T, s S) S {
	t.Helper()
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// Open returns the provider of a configuration, with a zone as its scope.
func Open[C any](t *testing.T, construct Constructor[C], c C, zone delegation.Name) dns01.Provider {
	t.Helper()
	p, err := construct(c, zone, dns01.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestHosted is Test for providers of a made-up service, of which there may be
// two at once. quote and unquote are as for Hosted.
func TestHosted[S Service](t *testing.T, zone delegation.Name, serve func(*testing.T) S, open func(*testing.T, S) dns01.Provider, quote func(string) string, unquote func(string) (string, error), secrets ...string) {
	Test(t, func(t *testing.T) (dns01.Provider, World) {
		s := serve(t)
		w := Hosted(s, zone, quote, unquote, secrets...)
		w.Again = func() dns01.Provider { return open(t, s) }
		return open(t, s), w
	})
}

// TestTTL checks that a set that is there keeps its TTL, and that a new one has
// the lowest that the service takes, in seconds, where less is wanted. theirs is a
// value as the service writes it.
func TestTTL[S Service](t *testing.T, zone delegation.Name, serve func(*testing.T) S, open func(*testing.T, S) dns01.Provider, lowest int, theirs string) {
	k := service.Key{Owner: "name-0." + zone.String(), Type: "TXT"}
	for there, want := range map[int]int{0: lowest, 86400: 86400} {
		s := serve(t)
		if there > 0 {
			s.Do(func() { s.Put(k, service.Set{TTL: there, Data: []string{theirs}}) })
		}
		if _, err := open(t, s).AppendRecords(t.Context(), zone.String(), Records(1, time.Second)); err != nil {
			t.Fatal(err)
		}
		s.Do(func() {
			if got := s.Get(k).TTL; got != want {
				t.Errorf("got a TTL of %d, want %d", got, want)
			}
		})
	}
}

// TestNoZone checks what a provider says whose account at a server has another
// zone.
func TestNoZone(t *testing.T, p dns01.Provider, server string, zone delegation.Name) {
	t.Helper()
	_, err := p.AppendRecords(t.Context(), zone.String(), Records(1, time.Minute))
	want := fmt.Sprintf("%s knows no zone %s for this key: ", server, zone.Bare())
	if !strings.HasPrefix(fmt.Sprint(err), want) || !strings.HasPrefix(hint(err), "is "+zone.Bare()+" served by the account") {
		t.Errorf("got %v with the hint %q, want %s…", err, hint(err), want)
	}
}

// TestConfigs checks the errors of configurations.
func TestConfigs[C any](t *testing.T, construct Constructor[C], configs map[string]C) {
	t.Helper()
	for want, c := range configs {
		if _, err := construct(c, "auth.example.net.", dns01.Environment{}); fmt.Sprint(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Hosted returns the world of a made-up service that has a zone. quote and
// unquote are how the service writes values; nil: as they are.
func Hosted(s Sets, zone delegation.Name, quote func(string) string, unquote func(string) (string, error), secrets ...string) World {
	if quote == nil {
		quote = func(v string) string { return v }
		unquote = func(d string) (string, error) { return d, nil }
	}
	at := func(owner delegation.Name) service.Key { return service.Key{Owner: owner.String(), Type: "TXT"} }
	return World{
		Zone: zone, Secrets: secrets, Fail: s.Fail, Sent: s.Sent,
		Values: func(owner delegation.Name) []string {
			var values []string
			s.Do(func() {
				for _, data := range s.Get(at(owner)).Data {
					v, err := unquote(data)
					if err != nil {
						v = err.Error()
					}
					values = append(values, v)
				}
			})
			return values
		},
		Add: func(owner delegation.Name, value string) {
			s.Do(func() {
				set := s.Get(at(owner))
				s.Put(at(owner), service.Set{TTL: max(set.TTL, 3600), Data: append(slices.Clone(set.Data), quote(value))})
			})
		},
	}
}

// Records returns n records, each at a name of its own, with this TTL.
func Records(n int, ttl time.Duration) []libdns.Record {
	var rs []libdns.Record
	for i := range n {
		rs = append(rs, libdns.RR{Name: fmt.Sprintf("name-%d", i), Type: "TXT", TTL: ttl, Data: "v"})
	}
	return rs
}

// Reaches tries the key of a provider, and returns what it can do that a narrower
// key could not, and what every key of the service can do.
func Reaches(t *testing.T, p dns01.Provider, zone, owner delegation.Name) (wide, floor []dns01.Reach) {
	t.Helper()
	b, err := p.(dns01.ScopeProber).ProbeScope(t.Context(), zone, owner)
	if err != nil {
		t.Fatal(err)
	}
	for _, trial := range b.Trials {
		if trial.Question == "" || trial.Answer == "" || trial.Accepted == trial.Refused {
			t.Errorf("got the trial %+v, want it said and decided", trial)
		}
	}
	return reaches(b.Wide()), reaches(b.Floor())
}

func reaches(trials []dns01.Trial) []dns01.Reach {
	var all []dns01.Reach
	for _, t := range trials {
		all = append(all, t.Reach)
	}
	return slices.Compact(all)
}
