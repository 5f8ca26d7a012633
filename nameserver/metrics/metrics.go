// Package metrics counts what a name server does, for Prometheus.
package metrics

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/nameserver"
	"certctl/nameserver/values"
)

// Counters is a nameserver.Observer. It is safe for concurrent use; the zero
// value is ready.
type Counters struct {
	Values *values.Store // counted when they are asked for; nil: not

	mu      sync.Mutex
	queries map[query]int
	texts   map[bool]int // for TXT records: with a value or none
	changes map[change]int
}

type query struct {
	rrtype uint16 // TypeNone: any other
	rcode  int
	tcp    bool
}

type change struct{ way, result string }

// known are the types that are counted by themselves: there are 65536.
var known = []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeANY, dns.TypeCAA, dns.TypeCNAME, dns.TypeDNSKEY, dns.TypeDS, dns.TypeNS, dns.TypeSOA, dns.TypeTXT}

// Observe implements nameserver.Observer.
func (c *Counters) Observe(list ...nameserver.Query) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin()
	for _, q := range list {
		k := query{q.Type, q.Rcode, q.TCP}
		if !slices.Contains(known, q.Type) {
			k.rrtype = dns.TypeNone
		}
		c.queries[k]++
		if q.Type == dns.TypeTXT && q.Zone != "" {
			c.texts[q.Values > 0]++
		}
	}
}

// labels are those of Prometheus.
func (q query) labels() string {
	rrtype, transport := dns.TypeToString[q.rrtype], "udp"
	if q.rrtype == dns.TypeNone {
		rrtype = "other"
	}
	if q.tcp {
		transport = "tcp"
	}
	return fmt.Sprintf("type=%q,rcode=%q,transport=%q", rrtype, dns.RcodeToString[q.rcode], transport)
}

// Changed counts a change, or an attempt: way and result are of few kinds.
func (c *Counters) Changed(way, result string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin()
	c.changes[change{way, result}]++
}

func (c *Counters) begin() {
	if c.queries == nil {
		c.queries, c.texts, c.changes = make(map[query]int), make(map[bool]int), make(map[change]int)
	}
}

// ServeHTTP writes all numbers in the text format of Prometheus.
func (c *Counters) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_ = c.Write(w) // whoever has hung up needs no numbers
}

// Write writes all numbers in the text format of Prometheus.
func (c *Counters) Write(w io.Writer) error {
	var b strings.Builder
	c.counted(&b)
	c.kept(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (c *Counters) counted(b *strings.Builder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	title(b, "queries_total", "counter", "Questions answered.")
	for _, line := range lines(c.queries, query.labels) {
		fmt.Fprintf(b, "certctl_nameserver_queries_total%s\n", line)
	}
	title(b, "txt_queries_total", "counter", "Questions for TXT records in our zones, by whether there was a value.")
	for _, got := range []bool{true, false} {
		fmt.Fprintf(b, "certctl_nameserver_txt_queries_total{value=\"%t\"} %d\n", got, c.texts[got])
	}
	title(b, "changes_total", "counter", "Changes that were asked for.")
	for _, line := range lines(c.changes, func(k change) string { return fmt.Sprintf("way=%q,result=%q", k.way, k.result) }) {
		fmt.Fprintf(b, "certctl_nameserver_changes_total%s\n", line)
	}
}

// kept writes what there is in the zones.
func (c *Counters) kept(b *strings.Builder) {
	if c.Values == nil {
		return
	}
	count, serial := make(map[delegation.Name]int), make(map[delegation.Name]int)
	for _, zone := range c.Values.Zones() {
		all, now := c.Values.All(zone)
		count[zone], serial[zone] = len(all), int(now)
	}
	of := func(zone delegation.Name) string { return fmt.Sprintf("zone=%q", zone.Bare()) }
	title(b, "values", "gauge", "Values that there are.")
	for _, line := range lines(count, of) {
		fmt.Fprintf(b, "certctl_nameserver_values%s\n", line)
	}
	title(b, "serial", "gauge", "Serial number of the zone.")
	for _, line := range lines(serial, of) {
		fmt.Fprintf(b, "certctl_nameserver_serial%s\n", line)
	}
}

func title(b *strings.Builder, name, kind, help string) {
	fmt.Fprintf(b, "# HELP certctl_nameserver_%s %s\n# TYPE certctl_nameserver_%s %s\n", name, help, name, kind)
}

// lines returns labels and number of each of some numbers, sorted.
func lines[K comparable](numbers map[K]int, labels func(K) string) []string {
	sorted := make(map[string]int, len(numbers))
	for k, n := range numbers {
		sorted[labels(k)] = n
	}
	var all []string
	for _, text := range slices.Sorted(maps.Keys(sorted)) {
		all = append(all, fmt.Sprintf("{%s} %d", text, sorted[text]))
	}
	return all
}
