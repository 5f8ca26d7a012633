package trace_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"certctl/delegation"
	"certctl/lab/authority"
	"certctl/trace"
)

// hundred is a world with a hundred names under three zones, each delegated as
// how says, and one more, w, in each zone.
func hundred(how func(s *scene, zone string, n int) string) (build func(s *scene), names []string) {
	zones := []string{"example.com.", "example.net.", "example.org."}
	for n := range 100 {
		names = append(names, fmt.Sprintf("n%02d.%s", n, strings.TrimSuffix(zones[n%3], ".")))
	}
	return func(s *scene) {
		s.zone("org.", "", "a.tld.net.")
		s.zone("auth.example.com.", "", "ns1.example.com.", "ns2.example.com.")
		for i, zone := range zones {
			var text strings.Builder
			for n := i; n < 100; n += 3 {
				text.WriteString(how(s, zone, n))
			}
			s.zone(zone, text.String(), "ns1."+zone, "ns2."+zone)
		}
	}, names
}

// ways of delegation, and what a name costs at most: to resolve, and to trace,
// which asks both servers of each zone.
var costs = []struct {
	name           string
	how            func(s *scene, zone string, n int) string
	resolve, trace float64
}{
	{"none", func(*scene, string, int) string { return "" }, 1, 2},
	{"CNAME to one label", func(_ *scene, _ string, n int) string {
		return fmt.Sprintf("_acme-challenge.n%02d CNAME all.auth.example.com.\n", n)
	}, 2.01, 3.02},
	{"CNAME to its own label", func(_ *scene, _ string, n int) string {
		return fmt.Sprintf("_acme-challenge.n%02d CNAME n%02d.auth.example.com.\n", n, n)
	}, 3, 5},
}

// cost is how many queries each of a hundred names costs when the walk is warm:
// one name under each zone was traced before.
func cost(t testing.TB, how func(s *scene, zone string, n int) string, trace bool) float64 {
	build, names := hundred(how)
	s := newScene(func(s *scene) { build(s) })
	s.trace(t, names[0], names[1], names[2])
	s.sent.Store(0)
	names = names[3:]
	if trace {
		for _, w := range s.trace(t, names...) {
			if !w.Right() {
				t.Fatalf("%s: %v", w.Name, w.Problem())
			}
		}
	} else {
		s.resolve(t, names)
	}
	return float64(s.sent.Load()) / float64(len(names))
}

func (s *scene) resolve(t testing.TB, names []string) {
	var wg sync.WaitGroup
	for _, name := range names {
		wg.Go(func() {
			challenge, _ := delegation.ChallengeName(name)
			if _, err := s.resolver.Resolve(context.Background(), challenge, delegation.Follow{}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	wg.Wait()
}

func TestCost(t *testing.T) {
	for _, test := range costs {
		if got := cost(t, test.how, false); got > test.resolve {
			t.Errorf("%s: resolving a name takes %.2f queries, want %.2f", test.name, got, test.resolve)
		}
		if got := cost(t, test.how, true); got > test.trace {
			t.Errorf("%s: tracing a name takes %.2f queries, want %.2f", test.name, got, test.trace)
		}
	}
}

// BenchmarkQueries reports what a name costs.
func BenchmarkQueries(b *testing.B) {
	for _, test := range costs {
		b.Run(test.name, func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(cost(b, test.how, false), "queries/name-resolved")
				b.ReportMetric(cost(b, test.how, true), "queries/name-traced")
			}
		})
	}
}

// A zone with hundreds of servers, slow and dead ones, costs what any name may
// cost, and the tree says that the rest was not asked.
func TestLimit(t *testing.T) {
	for _, fault := range []authority.Fault{{}, {Dead: true}, {Delay: 2 * time.Second}, {Truncate: true}} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(func(s *scene) {
				var servers []string
				for n := range 190 {
					servers = append(servers, fmt.Sprintf("ns%d.example.com.", n))
				}
				s.zone("example.com.", "", servers...)
				for _, name := range servers[1:] {
					s.server(name).Fault(fault)
				}
			})
			began := time.Now()
			ways := s.trace(t, "example.com")
			if n := s.sent.Load(); n > 200 {
				t.Errorf("%+v: sent %d queries, want at most 200", fault, n)
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("%+v: took %v, want at most 30 s", fault, took)
			}
			var text strings.Builder
			if err := trace.Tree(&text, ways, trace.Drawing{}); err != nil {
				t.Fatal(err)
			}
			if ways[0].Right() || !strings.Contains(text.String(), "given up after") {
				t.Errorf("%+v: got right %t, and\n%s", fault, ways[0].Right(), text.String())
			}
		})
	}
}
