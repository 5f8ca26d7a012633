package check

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/lab/authority"
)

// TestHosted looks at zones of a name server that are well, and not.
func TestHosted(t *testing.T) {
	b := newBench(t, nil)
	b.checker.Lab = true
	auth := Hosted{Apex: apex, Servers: []delegation.Server{{Name: "ns1.auth.example.net."}}}
	missing := Hosted{Apex: "_acme-challenge.example.com.", Servers: []delegation.Server{{
		Name: "ns._acme-challenge.example.com.", Addrs: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:53")},
	}}}
	other := Hosted{Apex: "example.com.", Servers: []delegation.Server{{Name: "ns9.example.com."}}}
	codes := func(zones ...Hosted) []Code {
		t.Helper()
		report, err := b.checker.Zones(t.Context(), zones)
		if err != nil {
			t.Fatal(err)
		}
		var all []Code
		for _, f := range report.Findings {
			if f.Severity != Info {
				all = append(all, f.Code)
			}
			if f.Code == "zone-undelegated" && f.Remedy != "add to zone example.com:\n_acme-challenge.example.com. NS ns._acme-challenge.example.com.\nns._acme-challenge.example.com. A 192.0.2.1" {
				t.Errorf("got remedy %s", f.Remedy)
			}
		}
		return all
	}
	if got := codes(auth); len(got) > 0 {
		t.Errorf("a zone that is well: got %v", got)
	}
	if got := codes(missing, other); !slices.Equal(got, []Code{"zone-undelegated", "zone-elsewhere"}) {
		t.Errorf("got %v", got)
	}
	b.Server("ns1.auth.example.net.").Fault(authority.Fault{Lie: bare})
	if got := codes(auth); !slices.Equal(got, []Code{"negative-wrong", "negative-wrong", "negative-wrong", "edns-odd"}) {
		t.Errorf("a server that answers as acme-dns does: got %v", got)
	}
}

// bare answers without SOA records, and knows no version of EDNS.
func bare(q *dns.Msg) *dns.Msg {
	t := q.Question[0].Qtype
	if strings.HasPrefix(strings.ToLower(q.Question[0].Name), "ns") || t == dns.TypeNS || t == dns.TypeSOA && q.IsEdns0().Version() == 0 {
		return nil
	}
	m := new(dns.Msg).SetReply(q)
	m.Authoritative = true
	m.SetEdns0(512, false)
	return m
}
