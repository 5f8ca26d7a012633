package nameserver_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/lab/debian"
	"certctl/nameserver/values"
)

// load is a zone of many names, and queries for it: four of six for values that
// are there, one each for other types and for names that are not there.
type load struct {
	text    string
	queries string // path
	key     debian.Key
}

const loadNames = 1000

func newLoad(t *testing.T) load {
	t.Helper()
	var text, queries strings.Builder
	text.WriteString("@ 10 SOA ns1 hostmaster 1 300 60 1209600 10\n@ 3600 NS ns1\nns1 3600 A 127.0.0.1\n")
	for n := range loadNames {
		fmt.Fprintf(&text, "n%d 60 TXT %043d\n", n, n)
		fmt.Fprintf(&queries, "n%d.auth.example.net TXT\n", n)
		switch n % 4 {
		case 0:
			fmt.Fprintf(&queries, "n%d.auth.example.net A\n", n)
		case 1:
			fmt.Fprintf(&queries, "x%d.auth.example.net TXT\n", n)
		}
	}
	path := filepath.Join(t.TempDir(), "queries")
	if err := os.WriteFile(path, []byte(queries.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return load{text.String(), path, debian.NewKey("load")}
}

// contestant is a server under load.
type contestant struct {
	name string
	addr netip.AddrPort
	pid  int
	took []sample
}

// sample is what one measurement has found.
type sample struct {
	rate    float64       // queries a second, as many as it can
	cpu     time.Duration // of the server, for a query
	p99     time.Duration // latency at a tenth of what these servers can do
	updates float64       // a second, where a hundred are asked for
}

// ours starts a certctl with the same zone, which takes updates.
func (l load) ours(t *testing.T, name, program string, addr netip.AddrPort) *contestant {
	t.Helper()
	dir := t.TempDir()
	store, err := values.Open(filepath.Join(dir, "nameserver"))
	if err != nil {
		t.Fatal(err)
	}
	var all []values.Value
	for n := range loadNames {
		all = append(all, values.Value{Owner: delegation.Name(fmt.Sprintf("n%d.auth.example.net.", n)), Text: fmt.Sprintf("%043d", n), Key: "k"})
	}
	if err := errors.Join(store.Put("auth.example.net.", all...), store.Close()); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("state: .\nnameserver:\n  listen: %q\n  servers: {ns1.auth.example.net: {addresses: 127.0.0.1}}\n  zones: {auth.example.net: }\n"+
		"  keys: {load: {secret: %s, any_value: true, subtrees: [auth.example.net]}}\n", addr, l.key.Secret)
	if err := os.WriteFile(filepath.Join(dir, "certctl.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "--config", "certctl.yaml", "nameserver")
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for try := 0; ; try++ {
		if m, err := dns.Exchange(new(dns.Msg).SetQuestion("auth.example.net.", dns.TypeSOA), addr.String()); err == nil && m.Authoritative {
			break
		}
		if try > 100 {
			t.Fatalf("%s does not answer", program)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return &contestant{name: name, addr: addr, pid: cmd.Process.Pid}
}

// build returns a certctl of this source.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "certctl")
	if out, err := exec.Command("go", "build", "-o", program, "certctl").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// updating sends updates, a hundred a second, until stopped, and then says how
// many a second were done.
func (l load) updating(t *testing.T, addr netip.AddrPort) (stop func() float64) {
	ctx, cancel := context.WithCancel(t.Context())
	done, began := 0, time.Now()
	var sending sync.WaitGroup
	sending.Go(func() {
		client := dns.Client{TsigSecret: map[string]string{"load.": l.key.Secret}}
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for n := 0; ctx.Err() == nil; n++ {
			<-ticker.C
			m := new(dns.Msg).SetUpdate("auth.example.net.")
			rr := &dns.TXT{Hdr: dns.RR_Header{Name: fmt.Sprintf("u%d.auth.example.net.", n/2%500), Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60}, Txt: []string{"x"}}
			if n%2 == 0 {
				m.Insert([]dns.RR{rr})
			} else {
				m.Remove([]dns.RR{rr})
			}
			m.SetTsig("load.", dns.HmacSHA256, 300, time.Now().Unix())
			if r, _, err := client.Exchange(m, addr.String()); err == nil && r.Rcode == dns.RcodeSuccess {
				done++
			}
		}
	})
	return func() float64 {
		cancel()
		sending.Wait()
		return float64(done) / time.Since(began).Seconds()
	}
}

var (
	perSecond = regexp.MustCompile(`Queries per second: +([\d.]+)`)
	completed = regexp.MustCompile(`Queries completed: +(\d+)`)
	latency   = regexp.MustCompile(`(?m)^> \S+ \S+ \S+ ([\d.]+)$`)
)

// perf runs dnsperf with these arguments and returns what it writes.
func (l load) perf(t *testing.T, addr netip.AddrPort, args ...string) string {
	t.Helper()
	args = append([]string{"-s", addr.Addr().String(), "-p", fmt.Sprint(addr.Port()), "-d", l.queries, "-c", "4", "-T", "1", "-e"}, args...)
	out, err := exec.Command("dnsperf", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// number returns what an expression finds in the output of dnsperf.
func number(in string, expression *regexp.Regexp) float64 {
	found := expression.FindStringSubmatch(in)
	if found == nil {
		return 0
	}
	n, _ := strconv.ParseFloat(found[1], 64)
	return n
}

// measure puts a server under load for three seconds.
func (l load) measure(t *testing.T, c *contestant) {
	t.Helper()
	var s sample
	stop := l.updating(t, c.addr)
	before := used(t, c.pid)
	out := l.perf(t, c.addr, "-l", "2", "-q", "200")
	s.rate, s.cpu = number(out, perSecond), (used(t, c.pid)-before)/time.Duration(max(1, number(out, completed)))
	var all []float64
	for _, found := range latency.FindAllStringSubmatch(l.perf(t, c.addr, "-l", "1", "-Q", "8000", "-v"), -1) {
		one, _ := strconv.ParseFloat(found[1], 64)
		all = append(all, one)
	}
	if slices.Sort(all); len(all) > 0 {
		s.p99 = time.Duration(all[len(all)*99/100] * float64(time.Second))
	}
	s.updates = stop()
	t.Logf("%-8s %8.0f queries/s, %5.2f µs of CPU each, p99 %v at 8000/s, %.0f updates/s", c.name, s.rate, float64(s.cpu)/1000, s.p99, s.updates)
	c.took = append(c.took, s)
}

// used returns the processor time that a server and its children have used
// (proc_pid_stat(5)).
func used(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // from the third one on
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	all := time.Duration(user+system) * 10 * time.Millisecond
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, child := range strings.Fields(string(children)) {
		n, _ := strconv.Atoi(child)
		all += used(t, n)
	}
	return all
}

// median returns the middle one of what was measured.
func (c *contestant) median(of func(sample) float64) float64 {
	var all []float64
	for _, s := range c.took {
		all = append(all, of(s))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// TestLoad compares queries per second, processor time and latency with BIND,
// Knot and NSD, with a hundred updates a second (but for NSD, which takes none).
// CERTCTL_LOAD says how many rounds, of three seconds a server; a certctl of
// another version, CERTCTL_LOAD_BESIDE, is measured too. Where anything else
// runs on the machine only the ratios mean something:
//
//	CERTCTL_LOAD=3 go test ./nameserver -run TestLoad -v
func TestLoad(t *testing.T) {
	rounds, _ := strconv.Atoi(os.Getenv("CERTCTL_LOAD"))
	if rounds == 0 {
		t.Skip("CERTCTL_LOAD is not set")
	}
	l := newLoad(t)
	site := debian.New(t)
	all := []*contestant{l.ours(t, "certctl", build(t), site.Addr())}
	if other := os.Getenv("CERTCTL_LOAD_BESIDE"); other != "" {
		all = append(all, l.ours(t, "beside", other, site.Addr()))
	}
	fixed := debian.Server{Zones: []debian.Zone{{Name: "auth.example.net.", Text: l.text}}}
	updated := debian.Server{Zones: []debian.Zone{{Name: "auth.example.net.", Text: l.text, Grants: []debian.Grant{{Key: l.key}}}}}
	for _, other := range []struct {
		name  string
		start func(debian.Server) *debian.Host
		what  debian.Server
	}{{"BIND", site.BIND, updated}, {"Knot", site.Knot, updated}, {"NSD", site.NSD, fixed}} {
		h := other.start(other.what)
		all = append(all, &contestant{name: other.name, addr: h.Addr, pid: h.PID})
	}
	for range rounds {
		for _, c := range all {
			l.measure(t, c)
		}
	}
	rate, cpu := func(s sample) float64 { return s.rate }, func(s sample) float64 { return float64(s.cpu) }
	for _, c := range all[1:] {
		t.Logf("to %-8s %.2f of the queries/s, %.2f of the CPU for each", c.name, all[0].median(rate)/c.median(rate), all[0].median(cpu)/c.median(cpu))
	}
}

// TestMemory says what 100,000 values take, in one zone and in as many zones.
func TestMemory(t *testing.T) {
	if os.Getenv("CERTCTL_LOAD") == "" {
		t.Skip("CERTCTL_LOAD is not set")
	}
	for _, family := range []bool{false, true} {
		before := heap()
		store, err := values.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for batch := range 1000 {
			list := map[delegation.Name][]values.Value{}
			for n := range 100 {
				zone, owner := delegation.Name("auth.example.net."), delegation.Name(fmt.Sprintf("n%d.auth.example.net.", 100*batch+n))
				if family {
					owner = delegation.Name(fmt.Sprintf("_acme-challenge.n%d.example.com.", 100*batch+n))
					zone = owner
				}
				list[zone] = append(list[zone], values.Value{Owner: owner, Text: base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%032d", n)), Key: "k", Expires: began})
			}
			var putting sync.WaitGroup
			for zone, some := range list {
				putting.Go(func() {
					if err := store.Put(zone, some...); err != nil {
						t.Error(err)
					}
				})
			}
			putting.Wait()
		}
		put := time.Since(began)
		t.Logf("family %v: %d MB for 100000 values, put in %v", family, (heap()-before)>>20, put)
		began = time.Now()
		gone, err := store.Sweep(time.Now())
		t.Logf("family %v: %d swept in %v: %v", family, len(gone), time.Since(began), err)
		store.Close()
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
