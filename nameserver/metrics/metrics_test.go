package metrics_test

import (
	"strings"
	"testing"

	"github.com/miekg/dns"

	"certctl/nameserver"
	"certctl/nameserver/metrics"
	"certctl/nameserver/values"
)

func TestCounters(t *testing.T) {
	store, err := values.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Put("auth.example.net.", values.Value{Owner: "a.auth.example.net.", Text: "x", Key: "k"}); err != nil {
		t.Fatal(err)
	}
	c := &metrics.Counters{Values: store}
	for range 2 {
		c.Observe(nameserver.Query{Zone: "auth.example.net.", Type: dns.TypeTXT, Values: 1})
	}
	c.Observe(nameserver.Query{Zone: "auth.example.net.", Type: dns.TypeTXT, Rcode: dns.RcodeNameError, TCP: true})
	c.Observe(nameserver.Query{Type: 65280, Rcode: dns.RcodeRefused})
	c.Changed("update", "set")
	var b strings.Builder
	if err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`certctl_nameserver_queries_total{type="TXT",rcode="NOERROR",transport="udp"} 2`,
		`certctl_nameserver_queries_total{type="TXT",rcode="NXDOMAIN",transport="tcp"} 1`,
		`certctl_nameserver_queries_total{type="other",rcode="REFUSED",transport="udp"} 1`,
		`certctl_nameserver_txt_queries_total{value="true"} 2`,
		`certctl_nameserver_txt_queries_total{value="false"} 1`,
		`certctl_nameserver_changes_total{way="update",result="set"} 1`,
		`certctl_nameserver_values{zone="auth.example.net"} 1`,
		"# TYPE certctl_nameserver_serial gauge",
	} {
		if !strings.Contains(b.String(), want+"\n") {
			t.Errorf("got\n%s\nwant %s in it", &b, want)
		}
	}
}
