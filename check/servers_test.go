package check

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/rfc2136"
	"certctl/lab/debian"
	"certctl/secret"
)

// brand is one kind of name server that takes updates, and how its answer begins
// to removals that a key for one owner may not ask for. Knot before 3.4 adds
// BADKEY.
type brand struct {
	name   string
	start  func(*debian.Site, debian.Server) *debian.Host
	answer string
	narrow Code // found of a key that is for one owner, as far as the server knows that
}

var brands = []brand{
	{"BIND", (*debian.Site).BIND, "REFUSED", "key-scoped"},
	{"Knot", (*debian.Site).Knot, "NOTAUTH", "key-scoped"},
	{"PowerDNS", (*debian.Site).PowerDNS, "NOERROR", "key-broad"},
}

// estate is a site with example.com on NSD and auth.example.net on a brand and
// NSD.
type estate struct {
	checker *Checker
	primary netip.AddrPort
}

func newEstate(t *testing.T, b brand, grant debian.Grant, key debian.Key) *estate {
	t.Helper()
	const soa = "@ 3600 SOA ns1 hostmaster 1 3600 600 864000 60\n"
	site := debian.New(t)
	first, second, third := site.Addr(), site.Addr(), site.Addr()
	auth := debian.Delegation{Zone: apex, Servers: []netip.AddrPort{first, second}}
	main := debian.Delegation{Zone: "example.com.", Servers: []netip.AddrPort{second, third}}
	alias := "_acme-challenge.www CNAME www.auth.example.net.\nwww A 192.0.2.1\n"
	b.start(site, debian.Server{Addr: first, Zones: []debian.Zone{
		{Name: apex, Text: soa + auth.String(), Grants: []debian.Grant{grant}, Secondaries: []netip.AddrPort{second}},
	}})
	site.NSD(debian.Server{Addr: second, Zones: []debian.Zone{
		{Name: apex, Primary: first},
		{Name: main.Zone, Text: soa + main.String() + alias},
	}})
	site.NSD(debian.Server{Addr: third, Zones: []debian.Zone{{Name: main.Zone, Text: soa + main.String() + alias}}})
	site.Root(main, auth)
	client := &delegation.Client{}
	p, err := rfc2136.New(rfc2136.Config{
		Server: first.String(),
		TSIG:   rfc2136.TSIG{Name: key.Name, Algorithm: key.Algorithm, Secret: secret.Plain(key.Secret)},
	}, apex, dns01.Environment{Client: client})
	if err != nil {
		t.Fatal(err)
	}
	return &estate{primary: first, checker: &Checker{
		Client:      client,
		Resolver:    delegation.NewResolver(delegation.Options{Recursive: []netip.AddrPort{site.Unbound().Addr}, Port: site.Port, Client: client}),
		Credentials: dns01.Credentials{dns01.NewCredential("", apex, p)},
	}}
}

func (e *estate) check(t *testing.T) *Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := e.checker.Check(ctx, []Name{{Domain: domain}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The least that a key can be limited to is found to be so, as far as the
// server can limit it, and nothing else is wrong with servers as Debian ships
// them.
func TestNarrowKey(t *testing.T) {
	for _, b := range brands {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			key := debian.NewKey("certctl-www")
			r := newEstate(t, b, debian.Grant{Key: key, Owner: owner}, key).check(t)
			fs := r.found(b.narrow)
			if len(fs) != 1 {
				t.Fatalf("got no %s:\n%s", b.narrow, r)
			}
			for _, e := range fs[0].Evidence[:4] {
				if !strings.HasPrefix(e.Value, b.answer) {
					t.Errorf("%s: got %s, want %s", e.Record, e.Value, b.answer)
				}
			}
			if before, after, _ := strings.Cut(fs[0].Evidence[4].Value, ", "); before != after || before == "0" {
				t.Errorf("got serials %s and %s, want them to be the same", before, after)
			}
			for _, f := range r.Findings {
				if f.Severity != Info && f.Code != "key-broad" {
					t.Errorf("got %s: %s", f.Code, f.Text)
				}
			}
		})
	}
}

// A key that may write everywhere is found to be too strong by every brand.
func TestBroadKey(t *testing.T) {
	for _, b := range brands {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			key := debian.NewKey("certctl-auth")
			e := newEstate(t, b, debian.Grant{Key: key}, key)
			before := e.serials(t)
			fs := e.check(t).found("key-broad")
			if len(fs) != 1 || !strings.Contains(fs[0].Text, string(dns01.OtherNames)) || !strings.Contains(fs[0].Remedy, "www.auth.example.net only") {
				t.Errorf("got %v, want that it can write at other names", fs)
			}
			if after := e.serials(t); after != before {
				t.Errorf("got serial %d after the check and %d before: it has changed something", after, before)
			}
		})
	}
}

// A key that the server has another secret for is refused, each in its words.
func TestWrongSecret(t *testing.T) {
	for _, b := range brands {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			key, other := debian.NewKey("certctl-www"), debian.NewKey("certctl-www")
			r := newEstate(t, b, debian.Grant{Key: key, Owner: owner}, other).check(t)
			fs := r.found("credential-refused")
			want := []string{"BADSIG", "REFUSED"} // PowerDNS says REFUSED
			said := len(fs) == 1 && slices.ContainsFunc(want, func(w string) bool { return strings.Contains(fs[0].Text, w) })
			if !said || fs[0].Remedy == "" {
				t.Errorf("got no credential-refused with one of %q and a remedy:\n%s", want, r)
			}
		})
	}
}

// A canary gets around real servers.
func TestCanaryOnServers(t *testing.T) {
	for _, b := range brands {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			key := debian.NewKey("certctl-www")
			e := newEstate(t, b, debian.Grant{Key: key, Owner: owner}, key)
			l := &ledger{}
			e.checker.Journal = l
			r := e.check(t)
			if fs := r.found("canary"); len(fs) != 1 || len(fs[0].Evidence) != 2 || len(l.left) > 0 {
				t.Errorf("got %d left, and not one canary seen at both servers:\n%s", len(l.left), r)
			}
		})
	}
}

// serials returns the serial at the primary.
func (e *estate) serials(t *testing.T) uint32 {
	t.Helper()
	s := &server{addr: e.primary}
	s.measure(t.Context(), e.checker.Client, apex)
	soa, ok := s.serial()
	if !ok {
		t.Fatalf("no serial: %v", s.err)
	}
	return soa.Serial
}
