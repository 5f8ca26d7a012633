package nameserver

import (
	"context"
	"encoding/base64"
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
	"certctl/nameserver/access"
	"certctl/nameserver/update"
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

// ours starts our server with the same zone, which takes updates.
func (l load) ours(t *testing.T) netip.AddrPort {
	t.Helper()
	store, err := values.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	for n := range loadNames {
		put(t, store, auth, delegation.Name(fmt.Sprintf("n%d.auth.example.net.", n)), fmt.Sprintf("%043d", n))
	}
	c := world()
	c.Zones, c.Values = c.Zones[:1], store
	key, err := update.NewKey("load", l.key.Algorithm, l.key.Secret, access.Key{ID: "load", AnyValue: true, Subtrees: []delegation.Name{auth}})
	if err != nil {
		t.Fatal(err)
	}
	handler := &update.Handler{Keys: map[delegation.Name]*update.Key{"load.": key}, Desk: &access.Desk{Values: store}}
	c.Updates = handler
	s := newServer(t, c)
	handler.Zones = s
	return serve(t, s)
}

// updating sends updates, a hundred a second, until stopped, and then says how
// many were done.
func (l load) updating(t *testing.T, addr netip.AddrPort) (stop func() int) {
	ctx, cancel := context.WithCancel(t.Context())
	done := 0
	var sending sync.WaitGroup
	sending.Go(func() {
		client := dns.Client{TsigSecret: map[string]string{"load.": l.key.Secret}}
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for n := 0; ctx.Err() == nil; n++ {
			<-ticker.C
			m := new(dns.Msg).SetUpdate(string(auth))
			rr := &dns.TXT{Hdr: header(delegation.Name(fmt.Sprintf("u%d.auth.example.net.", n/2%500)), dns.TypeTXT, 60), Txt: []string{"x"}}
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
	return func() int {
		cancel()
		sending.Wait()
		return done
	}
}

var (
	perSecond = regexp.MustCompile(`Queries per second: +([\d.]+)`)
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

// measure returns queries per second, and the 99th percentile of the latency at
// a tenth of what these servers can do.
func (l load) measure(t *testing.T, addr netip.AddrPort) (rate float64, p99 time.Duration, updates int) {
	t.Helper()
	stop := l.updating(t, addr)
	if found := perSecond.FindStringSubmatch(l.perf(t, addr, "-l", "4", "-q", "200")); found != nil {
		rate, _ = strconv.ParseFloat(found[1], 64)
	}
	var all []float64
	for _, found := range latency.FindAllStringSubmatch(l.perf(t, addr, "-l", "3", "-Q", "8000", "-v"), -1) {
		one, _ := strconv.ParseFloat(found[1], 64)
		all = append(all, one)
	}
	if slices.Sort(all); len(all) > 0 {
		p99 = time.Duration(all[len(all)*99/100] * float64(time.Second))
	}
	return rate, p99, stop()
}

// TestLoad compares queries per second and latency with BIND, Knot and NSD, with
// a hundred updates a second (but for NSD, which takes none). The figures mean
// little while anything else runs on the machine:
//
//	CERTCTL_LOAD=1 go test ./nameserver -run TestLoad -v
func TestLoad(t *testing.T) {
	if os.Getenv("CERTCTL_LOAD") == "" {
		t.Skip("CERTCTL_LOAD is not set")
	}
	l := newLoad(t)
	ours := l.ours(t)
	site := debian.New(t)
	fixed := []debian.Zone{{Name: string(auth), Text: l.text}}
	updated := []debian.Zone{{Name: string(auth), Text: l.text, Grants: []debian.Grant{{Key: l.key}}}}
	servers := map[string]netip.AddrPort{
		"certctl": ours,
		"BIND":    site.BIND(debian.Server{Zones: updated}).Addr,
		"Knot":    site.Knot(debian.Server{Zones: updated}).Addr,
		"NSD":     site.NSD(debian.Server{Zones: fixed}).Addr,
	}
	for range 2 {
		for _, name := range []string{"certctl", "BIND", "Knot", "NSD"} {
			rate, p99, updates := l.measure(t, servers[name])
			t.Logf("%-8s %8.0f queries/s, p99 %v at 8000/s, %d updates", name, rate, p99, updates)
		}
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
				zone, owner := auth, delegation.Name(fmt.Sprintf("n%d.auth.example.net.", 100*batch+n))
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
