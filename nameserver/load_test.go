package nameserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"certctl/delegation"
	"certctl/lab/debian"
	"certctl/nameserver/values"
)

// TestLoad measures queries per second against other servers with the same
// zone, with dnsperf. It is for machines that have nothing else to do:
// CERTCTL_LOAD=1 go test ./nameserver -run TestLoad -v
func TestLoad(t *testing.T) {
	if os.Getenv("CERTCTL_LOAD") == "" {
		t.Skip("CERTCTL_LOAD is not set")
	}
	const names = 1000
	var text, queries strings.Builder
	text.WriteString("@ 10 SOA ns1 hostmaster 1 300 60 1209600 10\n@ 3600 NS ns1\nns1 3600 A 127.0.0.1\n")
	store, err := values.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for n := range names {
		value := fmt.Sprintf("%043d", n)
		fmt.Fprintf(&text, "n%d 60 TXT %s\n", n, value)
		fmt.Fprintf(&queries, "n%d.auth.example.net TXT\n", n)
		switch n % 4 {
		case 0:
			fmt.Fprintf(&queries, "n%d.auth.example.net A\n", n)
		case 1:
			fmt.Fprintf(&queries, "x%d.auth.example.net TXT\n", n)
		}
		owner := delegation.Name(fmt.Sprintf("n%d.auth.example.net.", n))
		if err := store.Put("auth.example.net.", values.Value{Owner: owner, Text: value}); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "queries")
	if err := os.WriteFile(file, []byte(queries.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	c := world()
	c.Values = store
	ours := serve(t, newServer(t, c))
	site := debian.New(t)
	zones := []debian.Zone{{Name: "auth.example.net.", Text: text.String()}}
	bind, knot, nsd := site.BIND(debian.Server{Zones: zones}), site.Knot(debian.Server{Zones: zones}), site.NSD(debian.Server{Zones: zones})
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		ticker := time.NewTicker(10 * time.Millisecond)
		defer ticker.Stop()
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-ticker.C:
				owner := delegation.Name(fmt.Sprintf("u%d.auth.example.net.", n%100))
				store.Put("auth.example.net.", values.Value{Owner: owner, Text: "x", TTL: uint32(n)})
			}
		}
	}()
	for range 2 {
		t.Log("ours", perf(t, ours.Addr().String(), ours.Port(), file))
		t.Log("BIND", perf(t, bind.Addr.Addr().String(), bind.Addr.Port(), file))
		t.Log("Knot", perf(t, knot.Addr.Addr().String(), knot.Addr.Port(), file))
		t.Log("NSD", perf(t, nsd.Addr.Addr().String(), nsd.Addr.Port(), file))
	}
}

func perf(t *testing.T, addr string, port uint16, file string) string {
	out, err := exec.Command("dnsperf", "-s", addr, "-p", fmt.Sprint(port), "-d", file, "-l", "4", "-c", "4", "-T", "1", "-q", "200", "-e").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "Queries per") || strings.Contains(line, "Queries lost") || strings.Contains(line, "Average Latency") {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
	}
	if os.Getenv("CERTCTL_LOAD") == "all" {
		return string(out)
	}
	return strings.Join(lines, "; ")
}
