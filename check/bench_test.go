package check

import (
	"fmt"
	"testing"

	"certctl/lab/authority"
)

// BenchmarkCheck looks at a hundred names with aliases into one zone, and says
// how many queries that takes.
func BenchmarkCheck(b *testing.B) {
	w := newBench(b, func(w *bench) {
		w.names = nil
		for i := range 100 {
			w.main.Text(fmt.Sprintf("_acme-challenge.n%d CNAME n%d.%s", i, i, apex))
			w.names = append(w.names, Name{Domain: fmt.Sprintf("n%d.example.com", i)})
		}
		w.keys = []scoped{{apex, w.auth.Key("certctl-all")}}
	})
	authoritative := func() int {
		n := 0
		for _, q := range w.Queries() {
			if q.From != w.Recursor().Addr().Addr() {
				n++
			}
		}
		return n
	}
	before := authoritative()
	for b.Loop() {
		w.check(b)
	}
	b.ReportMetric(float64(authoritative()-before)/float64(b.N)/100, "queries/name")
}

// A dead server costs each name no time of its own.
func BenchmarkCheckDeadServer(b *testing.B) {
	w := newBench(b, func(w *bench) {
		fault(ns1Main, authority.Fault{Dead: true})(w)
		w.names = nil
		for i := range 20 {
			w.main.Text(fmt.Sprintf("_acme-challenge.n%d CNAME n%d.%s", i, i, apex))
			w.names = append(w.names, Name{Domain: fmt.Sprintf("n%d.example.com", i)})
		}
		w.keys = []scoped{{apex, w.auth.Key("certctl-all")}}
	})
	for b.Loop() {
		w.check(b)
	}
}
