package debian_test

import (
	"errors"
	"flag"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/lab/debian"
)

// TestMain runs more tests side by side than there are processors: they mostly
// wait for servers. Pebble need not sleep before it validates.
func TestMain(m *testing.M) {
	os.Setenv("PEBBLE_VA_NOSLEEP", "1")
	flag.Set("test.parallel", "8")
	os.Exit(m.Run())
}

// start starts one brand of server.
type start func(*debian.Site, debian.Server) *debian.Host

// brand is one kind of name server.
type brand struct {
	name  string
	start start
}

// brands are all that serve zones; those before NSD take updates.
var brands = []brand{
	{"BIND", (*debian.Site).BIND},
	{"Knot", (*debian.Site).Knot},
	{"PowerDNS", (*debian.Site).PowerDNS},
	{"NSD", (*debian.Site).NSD},
}

var updating = brands[:3]

// soa is the start of a zone's master file. Refresh is a day: a secondary that
// nobody tells about a change does not find out.
const soa = "@ SOA ns1 hostmaster 1 86400 86400 864000 1\n"

// exchange asks a server, up to three times: a server that takes up a new
// version of a zone may drop a question.
func exchange(t *testing.T, server netip.AddrPort, name string, qtype uint16) *dns.Msg {
	t.Helper()
	var errs []error
	for range 3 {
		r, err := dns.Exchange(new(dns.Msg).SetQuestion(name, qtype), server.String())
		if err == nil {
			return r
		}
		errs = append(errs, err)
	}
	t.Fatal(errors.Join(errs...))
	return nil
}

// ask asks a server for TXT records and returns the rcode and the values, sorted.
func ask(t *testing.T, server netip.AddrPort, name string) (string, []string) {
	t.Helper()
	r := exchange(t, server, name, dns.TypeTXT)
	var values []string
	for _, rr := range r.Answer {
		if txt, ok := rr.(*dns.TXT); ok {
			values = append(values, strings.Join(txt.Txt, ""))
		}
	}
	slices.Sort(values)
	return dns.RcodeToString[r.Rcode], values
}

// eventually waits until a server has a value.
func eventually(t *testing.T, server netip.AddrPort, name, value string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		if _, values := ask(t, server, name); slices.Contains(values, value) {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Fatalf("%s has no TXT %q at %s", server, value, name)
}

// update adds one TXT record, signed, and returns the rcode. PowerDNS fails for a
// moment while its SQLite database is locked.
func update(t *testing.T, server netip.AddrPort, zone string, key debian.Key, owner, value string) string {
	t.Helper()
	for range 10 {
		if rcode := updateOnce(t, server, zone, key, owner, value); rcode != "SERVFAIL" {
			return rcode
		}
		<-time.After(20 * time.Millisecond)
	}
	return "SERVFAIL"
}

func updateOnce(t *testing.T, server netip.AddrPort, zone string, key debian.Key, owner, value string) string {
	t.Helper()
	m := new(dns.Msg).SetUpdate(zone)
	m.Insert([]dns.RR{&dns.TXT{
		Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60},
		Txt: []string{value},
	}})
	m.SetTsig(key.Name+".", key.Algorithm+".", 300, time.Now().Unix())
	c := dns.Client{Net: "tcp", TsigSecret: map[string]string{key.Name + ".": key.Secret}, Timeout: 10 * time.Second}
	r, _, err := c.Exchange(m, server.String())
	if r == nil {
		t.Fatal(err)
	}
	return dns.RcodeToString[r.Rcode]
}

func TestServersAnswer(t *testing.T) {
	t.Parallel()
	for _, b := range brands {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			h := b.start(debian.New(t), debian.Server{Zones: []debian.Zone{
				{Name: "example.com.", Text: soa + "@ NS ns1\nns1 A 127.0.0.1\ntext TXT \"parent\""},
				{Name: "child.example.com.", Text: soa + "@ NS ns1\nns1 A 127.0.0.1\ntext TXT \"child\""},
			}})
			for name, want := range map[string]string{
				"text.example.com.":       "NOERROR parent",
				"text.child.example.com.": "NOERROR child",
				"none.example.com.":       "NXDOMAIN",
			} {
				rcode, values := ask(t, h.Addr, name)
				if got := strings.Join(append([]string{rcode}, values...), " "); got != want {
					t.Errorf("%s: got %s, want %s", name, got, want)
				}
			}
		})
	}
}

// TestUpdates shows what each server lets a key do. PowerDNS knows no narrower
// grant than the zone.
func TestUpdates(t *testing.T) {
	t.Parallel()
	const zone, allowed, other = "auth.example.net.", "www.auth.example.net.", "mail.auth.example.net."
	refusal := map[string]string{"BIND": "REFUSED", "Knot": "NOTAUTH", "PowerDNS": "NOERROR"}
	stranger := map[string]string{"BIND": "NOTAUTH", "Knot": "NOTAUTH", "PowerDNS": "REFUSED"}
	for _, b := range updating {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			key := debian.NewKey("certctl-www")
			h := b.start(debian.New(t), debian.Server{Zones: []debian.Zone{{
				Name:   zone,
				Text:   soa + "@ NS ns1\nns1 A 127.0.0.1",
				Grants: []debian.Grant{{Key: key, Owner: allowed}},
			}}})
			if got := update(t, h.Addr, zone, key, allowed, "v1"); got != "NOERROR" {
				t.Errorf("update of the allowed owner: got %s, want NOERROR", got)
			}
			if _, got := ask(t, h.Addr, allowed); !slices.Equal(got, []string{"v1"}) {
				t.Errorf("after the update: got %q, want v1", got)
			}
			if got := update(t, h.Addr, zone, key, other, "v2"); got != refusal[b.name] {
				t.Errorf("update of another owner: got %s, want %s", got, refusal[b.name])
			}
			wrong := debian.NewKey("certctl-www")
			if got := update(t, h.Addr, zone, wrong, allowed, "v3"); got != stranger[b.name] {
				t.Errorf("update with a wrong secret: got %s, want %s", got, stranger[b.name])
			}
			if _, got := ask(t, h.Addr, allowed); !slices.Equal(got, []string{"v1"}) {
				t.Errorf("at the end: got %q, want v1", got)
			}
		})
	}
}

func TestSecondaries(t *testing.T) {
	t.Parallel()
	const zone, owner = "auth.example.net.", "www.auth.example.net."
	for _, p := range updating {
		for _, s := range brands {
			t.Run(p.name+" to "+s.name, func(t *testing.T) {
				t.Parallel()
				site, key := debian.New(t), debian.NewKey("certctl-www")
				told, untold := site.Addr(), site.Addr()
				primary := p.start(site, debian.Server{Zones: []debian.Zone{{
					Name:        zone,
					Text:        soa + "@ NS ns1\nns1 A 127.0.0.1",
					Grants:      []debian.Grant{{Key: key}},
					Secondaries: []netip.AddrPort{told},
				}}})
				copied := []debian.Zone{{Name: zone, Primary: primary.Addr}}
				s.start(site, debian.Server{Addr: told, Zones: copied})
				late := s.start(site, debian.Server{Addr: untold, Zones: copied})

				if got := update(t, primary.Addr, zone, key, owner, "v1"); got != "NOERROR" {
					t.Fatalf("update: got %s, want NOERROR", got)
				}
				eventually(t, told, owner, "v1")
				if rcode, got := ask(t, untold, owner); rcode != "NXDOMAIN" {
					t.Errorf("secondary that was not told: got %s %q, want NXDOMAIN", rcode, got)
				}
				late.Notify(zone)
				eventually(t, untold, owner, "v1")
			})
		}
	}
}

func TestUnbound(t *testing.T) {
	t.Parallel()
	site := debian.New(t)
	com, net := site.Addr(), site.Addr()
	example := debian.Delegation{Zone: "example.com.", Servers: []netip.AddrPort{com}}
	below := debian.Delegation{Zone: "_acme-challenge.ns.example.com.", Servers: []netip.AddrPort{net}}
	auth := debian.Delegation{Zone: "auth.example.net.", Servers: []netip.AddrPort{net}}
	site.Knot(debian.Server{Addr: com, Zones: []debian.Zone{{
		Name: example.Zone,
		Text: soa + example.String() + below.String() + "_acme-challenge.alias CNAME www.auth.example.net.",
	}}})
	site.PowerDNS(debian.Server{Addr: net, Zones: []debian.Zone{
		{Name: auth.Zone, Text: soa + auth.String() + "www TXT alias"},
		{Name: below.Zone, Text: soa + below.String() + "@ TXT cut"},
	}})
	site.Root(example, auth)
	resolver := site.Unbound()
	for name, want := range map[string]string{
		"_acme-challenge.alias.example.com.": "NOERROR alias",
		"_acme-challenge.ns.example.com.":    "NOERROR cut",
		"_acme-challenge.none.example.com.":  "NXDOMAIN",
	} {
		rcode, values := ask(t, resolver.Addr, name)
		if got := strings.Join(append([]string{rcode}, values...), " "); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	for _, b := range brands {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			h := b.start(debian.New(t), debian.Server{Zones: []debian.Zone{
				{Name: "example.com.", Text: soa + "@ NS ns1\nns1 A 127.0.0.1"},
			}})
			begin := time.Now()
			h.Stop()
			if took := time.Since(begin); took > 4*time.Second {
				t.Errorf("the server took %v to end", took)
			}
			if r, err := dns.Exchange(new(dns.Msg).SetQuestion("example.com.", dns.TypeSOA), h.Addr.String()); err == nil {
				t.Errorf("after Stop: got %v, want no answer", r)
			}
		})
	}
}
