package trace_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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

// ways of delegation, and what a name costs at most: to resolve, to trace where
// one server of a zone speaks for the name, and where both are asked.
var costs = []struct {
	name                  string
	how                   func(s *scene, zone string, n int) string
	resolve, sampled, all float64
}{
	{"none", none, 1, 1, 2},
	{"CNAME to one label", shared, 2.01, 2.01, 3.02},
	{"CNAME to its own label", own, 3, 3, 5},
	{"a zone of each", func(s *scene, zone string, n int) string {
		return []func(*scene, string, int) string{none, shared, own}[n%3](s, zone, n)
	}, 2, 2, 3.33},
}

func none(*scene, string, int) string { return "" }

func shared(_ *scene, _ string, n int) string {
	return fmt.Sprintf("_acme-challenge.n%02d CNAME all.auth.example.com.\n", n)
}

func own(_ *scene, _ string, n int) string {
	return fmt.Sprintf("_acme-challenge.n%02d CNAME n%02d.auth.example.com.\n", n, n)
}

// cost is how many queries each of a hundred names costs when the walk is warm:
// the first name under each zone was traced before.
func cost(t testing.TB, how func(s *scene, zone string, n int) string, look func(*scene, []trace.Query)) float64 {
	build, names := hundred(how)
	s := newScene(func(s *scene) { build(s) })
	look(s, s.queries(t, names[:3]...))
	s.sent.Store(0)
	look(s, s.queries(t, names[3:]...))
	return float64(s.sent.Load()) / float64(len(names)-3)
}

// looks are the three ways to look at names.
func looks(t testing.TB) (resolve, sampled, all func(*scene, []trace.Query)) {
	right := func(ways []*trace.Way) {
		for _, w := range ways {
			if !w.Right() {
				t.Fatalf("%s: %v", w.Name, w.Problem())
			}
		}
	}
	resolve = func(s *scene, queries []trace.Query) { s.resolve(t, queries) }
	sampled = func(s *scene, queries []trace.Query) { right(trace.Sampled(context.Background(), s.resolver, queries)) }
	all = func(s *scene, queries []trace.Query) { right(trace.All(context.Background(), s.resolver, queries)) }
	return resolve, sampled, all
}

func (s *scene) resolve(t testing.TB, queries []trace.Query) {
	var wg sync.WaitGroup
	for _, q := range queries {
		wg.Go(func() {
			if _, err := s.resolver.Resolve(context.Background(), q.Challenge, q.Follow); err != nil {
				t.Errorf("%s: %v", q.Name, err)
			}
		})
	}
	wg.Wait()
}

func TestCost(t *testing.T) {
	resolve, sampled, all := looks(t)
	for _, test := range costs {
		for _, kind := range []struct {
			name string
			look func(*scene, []trace.Query)
			want float64
		}{{"resolving", resolve, test.resolve}, {"tracing", sampled, test.sampled}, {"tracing at every server", all, test.all}} {
			if got := cost(t, test.how, kind.look); got > kind.want {
				t.Errorf("%s: %s a name takes %.2f queries, want %.2f", test.name, kind.name, got, kind.want)
			}
		}
	}
}

// BenchmarkQueries reports what a name costs.
func BenchmarkQueries(b *testing.B) {
	for _, test := range costs {
		b.Run(test.name, func(b *testing.B) {
			resolve, sampled, all := looks(b)
			for b.Loop() {
				b.ReportMetric(cost(b, test.how, resolve), "queries/name-resolved")
				b.ReportMetric(cost(b, test.how, sampled), "queries/name-traced")
				b.ReportMetric(cost(b, test.how, all), "queries/name-traced-at-every-server")
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
