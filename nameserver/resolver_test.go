package nameserver

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/lab/debian"
)

// resolved is a server with a real parent zone and real resolvers.
type resolved struct {
	site   *debian.Site
	addr   netip.AddrPort // of our server
	root   *debian.Host
	anchor string
	config Config
}

// resolve starts the world: the root delegates the zones of our server, all of
// which are signed if signer is.
func resolve(t *testing.T, signer *Signer, nsec bool) resolved {
	t.Helper()
	r := resolved{site: debian.New(t)}
	r.addr = r.site.Addr()
	c := world()
	c.Listen = []netip.AddrPort{r.addr}
	servers := []Host{{Name: "ns1.auth.example.net.", Addrs: []netip.Addr{r.addr.Addr()}}}
	var parent strings.Builder
	for n := range c.Zones {
		c.Zones[n].Servers, c.Zones[n].Signer, c.Zones[n].NSEC = servers, signer, nsec
		c.Zones[n].Records = slices.DeleteFunc(c.Zones[n].Records, func(string) bool { return c.Zones[n].Family })
	}
	for _, zone := range []delegation.Name{"auth.example.net.", "_acme-challenge.www.example.com.", "_acme-challenge.www.example.org."} {
		fmt.Fprintf(&parent, "%s 60 IN NS ns1.auth.example.net.\n", zone)
		if signer != nil {
			fmt.Fprintln(&parent, signer.DS(zone))
		}
		r.site.Serves(debian.Delegation{Zone: string(zone), Servers: []netip.AddrPort{r.addr}})
	}
	fmt.Fprintf(&parent, "ns1.auth.example.net. 60 IN A %s\n_acme-challenge.example.org. 60 IN CNAME www.auth.example.net.\n", r.addr.Addr())
	put(t, c.Values, "auth.example.net.", "www.auth.example.net.", "one", "two")
	put(t, c.Values, "auth.example.net.", "x.y.auth.example.net.", "deep")
	put(t, c.Values, "_acme-challenge.www.example.com.", "_acme-challenge.www.example.com.", "three")
	for n := range 50 {
		put(t, c.Values, "auth.example.net.", "many.auth.example.net.", fmt.Sprintf("%043d", n))
	}
	r.config = c
	serve(t, newServer(t, c))
	r.root, r.anchor = r.site.SignedRoot(parent.String())
	return r
}

// questions are one of every kind, with what a resolver makes of it: the rcode
// and the number of records.
var questions = []struct {
	name    string
	qtype   uint16
	rcode   int
	records int
}{
	{"www.auth.example.net.", dns.TypeTXT, dns.RcodeSuccess, 2},
	{"www.auth.example.net.", dns.TypeCAA, dns.RcodeSuccess, 0},
	{"many.auth.example.net.", dns.TypeTXT, dns.RcodeSuccess, 50},
	{"x.y.auth.example.net.", dns.TypeTXT, dns.RcodeSuccess, 1},
	{"y.auth.example.net.", dns.TypeTXT, dns.RcodeSuccess, 0},
	{"z.x.y.auth.example.net.", dns.TypeTXT, dns.RcodeNameError, 0},
	{"none.auth.example.net.", dns.TypeTXT, dns.RcodeNameError, 0},
	{"a.b.none.auth.example.net.", dns.TypeA, dns.RcodeNameError, 0},
	{"auth.example.net.", dns.TypeSOA, dns.RcodeSuccess, 1},
	{"auth.example.net.", dns.TypeNS, dns.RcodeSuccess, 1},
	{"auth.example.net.", dns.TypeCAA, dns.RcodeSuccess, 1},
	{"auth.example.net.", dns.TypeMX, dns.RcodeSuccess, 0},
	{"ns1.auth.example.net.", dns.TypeA, dns.RcodeSuccess, 1},
	{"ns1.auth.example.net.", dns.TypeAAAA, dns.RcodeSuccess, 0},
	{"_acme-challenge.www.example.com.", dns.TypeTXT, dns.RcodeSuccess, 1},
	{"_acme-challenge.www.example.com.", dns.TypeCAA, dns.RcodeSuccess, 0},
	{"_acme-challenge.www.example.org.", dns.TypeTXT, dns.RcodeSuccess, 0},
	{"_acme-challenge.example.org.", dns.TypeTXT, dns.RcodeSuccess, 3},
}

// TestResolvers has real resolvers find every kind of answer through a real
// parent zone, also as Let's Encrypt's are set up, and with validation.
func TestResolvers(t *testing.T) {
	signer, err := OpenSigner(filepath.Join(t.TempDir(), "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	for _, world := range []struct {
		name   string
		signer *Signer
		nsec   bool
	}{{"unsigned", nil, false}, {"compact", signer, false}, {"chain", signer, true}} {
		t.Run(world.name, func(t *testing.T) {
			r := resolve(t, world.signer, world.nsec)
			for name, resolver := range map[string]*debian.Host{
				"Let's Encrypt": r.site.Unbound(r.anchor),
				"minimising":    r.site.UnboundMinimising(r.anchor),
				"BIND":          r.site.BINDResolver(r.anchor),
				"Knot Resolver": r.site.KnotResolver(r.anchor),
			} {
				for _, q := range questions {
					checkResolved(t, name, resolver.Addr, q.name, q.qtype, q.rcode, q.records, world.signer != nil, world.signer != nil && !world.nsec)
				}
			}
			if world.signer != nil {
				delv(t, r)
			}
		})
	}
}

func checkResolved(t *testing.T, resolver string, addr netip.AddrPort, name string, qtype uint16, rcode, records int, signed, compact bool) {
	t.Helper()
	q := new(dns.Msg).SetQuestion(name, qtype)
	q.AuthenticatedData = true
	client := dns.Client{Net: "tcp", Timeout: 10 * time.Second}
	m, _, err := client.Exchange(q, addr.String())
	if err != nil {
		t.Errorf("%s: %s %s: %v", resolver, name, dns.TypeToString[qtype], err)
		return
	}
	if compact && rcode == dns.RcodeNameError && m.Rcode == dns.RcodeSuccess {
		rcode = dns.RcodeSuccess // RFC 9824: to those who do not know of NXNAME the name exists
	}
	if m.Rcode != rcode || len(m.Answer) != records || m.AuthenticatedData != signed {
		t.Errorf("%s: %s %s: got %s, %d records, authentic %v, want %s, %d, %v\n%v", resolver, name, dns.TypeToString[qtype],
			dns.RcodeToString[m.Rcode], len(m.Answer), m.AuthenticatedData, dns.RcodeToString[rcode], records, signed, m)
	}
}

// delv validates every answer with BIND's own validator.
func delv(t *testing.T, r resolved) {
	t.Helper()
	resolver := r.site.Unbound()
	anchors := filepath.Join(t.TempDir(), "anchors")
	ds := strings.Fields(r.anchor)
	text := fmt.Sprintf("trust-anchors { . static-ds %s %s %s \"%s\"; };\n", ds[len(ds)-4], ds[len(ds)-3], ds[len(ds)-2], ds[len(ds)-1])
	if err := os.WriteFile(anchors, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, q := range questions {
		out, err := exec.Command("delv", "@"+resolver.Addr.Addr().String(), "-p", fmt.Sprint(resolver.Addr.Port()), "-a", anchors, "+root=.", q.name, dns.TypeToString[q.qtype]).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "fully validated") {
			t.Errorf("delv %s %s: %v\n%s", q.name, dns.TypeToString[q.qtype], err, out)
		}
	}
}
