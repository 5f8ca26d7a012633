package conformance

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/lab/service"
)

// Hosted returns the world of a made-up service that has a zone. quote and
// unquote are how the service writes values; nil: as they are.
func Hosted(s *service.Service, zone delegation.Name, quote func(string) string, unquote func(string) (string, error), secrets ...string) World {
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
