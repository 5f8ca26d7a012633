package debian_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"certctl/delegation"
	"certctl/lab/debian"
)

// here is example.com, whose names are delegated in every way that there is.
// The zones sub, three.two.one and _acme-challenge.same are on the same server.
const here = soa + `
www                        A     127.0.0.1
_acme-challenge.alias      CNAME alias.auth.example.net.
_acme-challenge.dangling   CNAME gone.auth.example.net.
_acme-challenge.chain      CNAME hop.auth.example.net.
back                       CNAME end.auth.example.net.
tree                       DNAME tree.auth.example.net.
_acme-challenge.into       CNAME www.deep.auth.example.net.
_acme-challenge.inside     CNAME inside.sub
_acme-challenge.apex       CNAME sub
*.wild                     CNAME lb.auth.example.net.
x._acme-challenge.ent      TXT   "below an empty non-terminal"
_acme-challenge.loop       CNAME loop
loop                       CNAME _acme-challenge.loop
_acme-challenge.eleven     CNAME c2
_acme-challenge.twelve     CNAME c1
c1 CNAME c2
c2 CNAME c3
c3 CNAME c4
c4 CNAME c5
c5 CNAME c6
c6 CNAME c7.auth.example.net.
`

// there is auth.example.net, on another server of another brand. The chain of
// aliases goes over both, because PowerDNS answers SERVFAIL to more than ten of
// its own.
const there = soa + `
hop CNAME back.example.com.
c7  CNAME c8
c8  CNAME c9
c9  CNAME c10
c10 CNAME c11
c11 CNAME c12
`

// world is a site whose zones are on two servers, and what resolves it.
type world struct {
	here, there netip.AddrPort
	resolver    *delegation.Resolver
}

func newWorld(t *testing.T, hosts, others brand) *world {
	t.Helper()
	site := debian.New(t)
	w := &world{here: site.Addr(), there: site.Addr()}
	at := func(zone string, server netip.AddrPort) debian.Delegation {
		return debian.Delegation{Zone: zone, Servers: []netip.AddrPort{server}}
	}
	com, auth := at("example.com.", w.here), at("auth.example.net.", w.there)
	cut, deep := at("_acme-challenge.cut.example.com.", w.there), at("deep.auth.example.net.", w.here)
	sub, one := at("sub.example.com.", w.here), at("three.two.one.example.com.", w.here)
	same := at("_acme-challenge.same.example.com.", w.here)

	zone := func(d debian.Delegation, text string, children ...debian.Delegation) debian.Zone {
		for _, c := range append(children, d) {
			text += c.String()
		}
		return debian.Zone{Name: d.Zone, Text: text}
	}
	hosts.start(site, debian.Server{Addr: w.here, Zones: []debian.Zone{
		zone(com, here, cut, sub, one, same),
		zone(sub, soa+"_acme-challenge.www CNAME sub.auth.example.net.\n"),
		zone(one, soa), zone(same, soa), zone(deep, soa),
	}})
	others.start(site, debian.Server{Addr: w.there, Zones: []debian.Zone{
		zone(auth, there, deep), zone(cut, soa),
	}})
	site.Root(com, auth)
	w.resolver = delegation.NewResolver(delegation.Options{
		Recursive: []netip.AddrPort{site.Unbound().Addr},
		Port:      site.Port,
	})
	return w
}

// TestResolve finds the target of every name of the world, with each brand as
// the host of the names and the next brand as the host of what they lead to.
func TestResolve(t *testing.T) {
	t.Parallel()
	cases := []struct{ domain, owner, zone, aliases string }{
		{"example.com", "_acme-challenge.example.com.", "example.com.", ""},
		{"www.example.com", "_acme-challenge.www.example.com.", "example.com.", ""},
		{"ent.example.com", "_acme-challenge.ent.example.com.", "example.com.", ""},
		{"sub.example.com", "_acme-challenge.sub.example.com.", "sub.example.com.", ""},
		{"a.b.sub.example.com", "_acme-challenge.a.b.sub.example.com.", "sub.example.com.", ""},
		{"two.one.example.com", "_acme-challenge.two.one.example.com.", "example.com.", ""},
		{"three.two.one.example.com", "_acme-challenge.three.two.one.example.com.", "three.two.one.example.com.", ""},
		{"same.example.com", "_acme-challenge.same.example.com.", "_acme-challenge.same.example.com.", ""},
		{"cut.example.com", "_acme-challenge.cut.example.com.", "_acme-challenge.cut.example.com.", ""},
		{"alias.example.com", "alias.auth.example.net.", "auth.example.net.", "CNAME"},
		{"dangling.example.com", "gone.auth.example.net.", "auth.example.net.", "CNAME"},
		{"chain.example.com", "end.auth.example.net.", "auth.example.net.", "CNAME CNAME CNAME"},
		{"www.tree.example.com", "_acme-challenge.www.tree.auth.example.net.", "auth.example.net.", "DNAME"},
		{"into.example.com", "www.deep.auth.example.net.", "deep.auth.example.net.", "CNAME"},
		{"inside.example.com", "inside.sub.example.com.", "sub.example.com.", "CNAME"},
		{"apex.example.com", "sub.example.com.", "sub.example.com.", "CNAME"},
		{"www.sub.example.com", "sub.auth.example.net.", "auth.example.net.", "CNAME"},
		{"x.wild.example.com", "lb.auth.example.net.", "auth.example.net.", "CNAME*"},
		{"eleven.example.com", "c12.auth.example.net.", "auth.example.net.", strings.TrimSpace(strings.Repeat("CNAME ", 11))},
	}
	for i, b := range brands {
		others := brands[(i+1)%len(brands)]
		t.Run(b.name+" and "+others.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, b, others)
			for _, c := range cases {
				target := w.resolve(t, c.domain)
				if target == nil {
					continue
				}
				if target.Owner.String() != c.owner || target.Zone.String() != c.zone {
					t.Errorf("%s: got %s in zone %s, want %s in zone %s", c.domain, target.Owner, target.Zone, c.owner, c.zone)
				}
				if got := aliases(target); got != c.aliases {
					t.Errorf("%s: got aliases %q, want %q", c.domain, got, c.aliases)
				}
				if got := target.Primary.String(); got != "ns1."+c.zone {
					t.Errorf("%s: got primary %s, want ns1.%s", c.domain, got, c.zone)
				}
				if got := lastCut(target); got != c.zone {
					t.Errorf("%s: got a last cut at %s, want %s", c.domain, got, c.zone)
				}
				if got, want := servers(target), w.serves(c.zone); !slices.Equal(got, want) {
					t.Errorf("%s: got servers %v, want %v", c.domain, got, want)
				}
			}
		})
	}
}

// TestResolveWildcard finds the place that an alias from a wildcard hides.
func TestResolveWildcard(t *testing.T) {
	t.Parallel()
	for i, b := range brands {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, b, brands[(i+1)%len(brands)])
			target := w.resolve(t, "x.wild.example.com")
			if target == nil || target.Explicit == nil {
				t.Fatalf("got %+v, want an explicit place beside the wildcard", target)
			}
			explicit := target.Explicit
			if got := fmt.Sprint(explicit.Owner, explicit.Zone); got != "_acme-challenge.x.wild.example.com.example.com." {
				t.Errorf("explicit place: got %s", got)
			}
			if plain := w.resolve(t, "alias.example.com"); plain != nil && plain.Explicit != nil {
				t.Errorf("alias.example.com: got an explicit place %v, want none", plain.Explicit)
			}
		})
	}
}

func TestResolveTooLong(t *testing.T) {
	t.Parallel()
	for i, b := range brands {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, b, brands[(i+1)%len(brands)])
			target, err := w.resolver.Resolve(t.Context(), "_acme-challenge.twelve.example.com.", delegation.Follow{})
			var alias *delegation.AliasError
			if !errors.As(err, &alias) || alias.Loop {
				t.Errorf("got %+v, %v, want an AliasError without Loop", target, err)
			}
		})
	}
}

// TestResolveLoop finds a loop within one zone, to which BIND and PowerDNS
// answer SERVFAIL for all types but CNAME.
func TestResolveLoop(t *testing.T) {
	t.Parallel()
	for i, b := range brands {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, b, brands[(i+1)%len(brands)])
			target, err := w.resolver.Resolve(t.Context(), "_acme-challenge.loop.example.com.", delegation.Follow{})
			var alias *delegation.AliasError
			if !errors.As(err, &alias) || !alias.Loop {
				t.Errorf("got %+v, %v, want an AliasError with Loop", target, err)
			}
		})
	}
}

// resolve returns a domain's target, or nil after an error.
func (w *world) resolve(t *testing.T, domain string) *delegation.Target {
	t.Helper()
	name, err := delegation.ChallengeName(domain)
	if err != nil {
		t.Fatal(err)
	}
	target, err := w.resolver.Resolve(t.Context(), name, delegation.Follow{})
	if err != nil {
		t.Errorf("%s: got error %v", domain, err)
		return nil
	}
	return target
}

// serves returns the servers of a zone.
func (w *world) serves(zone string) []netip.AddrPort {
	switch zone {
	case "auth.example.net.", "_acme-challenge.cut.example.com.":
		return []netip.AddrPort{w.there}
	}
	return []netip.AddrPort{w.here}
}

// aliases returns the types of the aliases on the way to a target; those from
// a wildcard have a star.
func aliases(target *delegation.Target) string {
	var types []string
	for _, s := range target.Steps {
		if s.Kind != delegation.Alias {
			continue
		}
		if s.Synthesised {
			s.Type += "*"
		}
		types = append(types, s.Type)
	}
	return strings.Join(types, " ")
}

// lastCut returns the apex of the zone that the last step led to.
func lastCut(target *delegation.Target) string {
	for _, s := range slices.Backward(target.Steps) {
		if s.Kind == delegation.Cut {
			return s.To.String()
		}
	}
	return ""
}

// servers returns all addresses of a target's servers.
func servers(target *delegation.Target) []netip.AddrPort {
	var addrs []netip.AddrPort
	for _, s := range target.Servers {
		addrs = append(addrs, s.Addrs...)
	}
	return addrs
}
