package debian_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/rfc2136"
	"certctl/lab/debian"
	"certctl/secret"
)

const (
	authZone = "auth.example.net."
	authText = soa + `
@       NS    ns1
ns1     A     127.0.0.1
www     300   TXT "foreign"
alias   CNAME www
child   NS    ns1.child
ns1.child A   127.0.0.1
`
)

// auth starts a server with the zone auth.example.net., in which key may write
// any TXT record, or those at owner.
func auth(t *testing.T, b brand, key debian.Key, owner string) *debian.Host {
	t.Helper()
	return b.start(debian.New(t), debian.Server{Zones: []debian.Zone{{
		Name:   authZone,
		Text:   authText,
		Grants: []debian.Grant{{Key: key, Owner: owner}},
	}}})
}

// credential returns what writes at a server with a key, whatever the key may
// do there.
func credential(t *testing.T, server netip.AddrPort, key debian.Key) *dns01.Credential {
	t.Helper()
	p, err := rfc2136.New(rfc2136.Config{
		Server: server.String(),
		TSIG:   rfc2136.TSIG{Name: key.Name, Algorithm: key.Algorithm, Secret: secret.Plain(key.Secret)},
	}, authZone, dns01.Environment{Client: &delegation.Client{}})
	if err != nil {
		t.Fatal(err)
	}
	return dns01.NewCredential("", authZone, p)
}

// records returns one record for each value at an owner.
func records(owner string, values ...string) []dns01.Record {
	var rs []dns01.Record
	for _, v := range values {
		rs = append(rs, dns01.Record{Zone: authZone, Owner: delegation.Name(owner), Value: v, TTL: time.Minute})
	}
	return rs
}

// ttls returns the TTLs of the TXT records at a name, each once.
func ttls(t *testing.T, server netip.AddrPort, name string) []uint32 {
	t.Helper()
	var ttls []uint32
	for _, rr := range exchange(t, server, name, dns.TypeTXT).Answer {
		ttls = append(ttls, rr.Header().Ttl)
	}
	slices.Sort(ttls)
	return slices.Compact(ttls)
}

// serial returns the serial of the zone's SOA record.
func serial(t *testing.T, server netip.AddrPort) uint32 {
	t.Helper()
	r := exchange(t, server, authZone, dns.TypeSOA)
	if len(r.Answer) == 0 {
		t.Fatalf("SOA of %s: got %v", authZone, r)
	}
	return r.Answer[0].(*dns.SOA).Serial
}

func TestWriteBesideForeignValues(t *testing.T) {
	t.Parallel()
	for _, b := range updating {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			const owner = "www." + authZone
			key := debian.NewKey("certctl-www")
			h := auth(t, b, key, owner)
			c, ours := credential(t, h.Addr, key), records(owner, "v1", "v2")
			check := func(when string, want ...string) {
				t.Helper()
				if _, got := ask(t, h.Addr, owner); !slices.Equal(got, want) {
					t.Errorf("%s: got values %q, want %q", when, got, want)
				}
				if got := ttls(t, h.Addr, owner); !slices.Equal(got, []uint32{300}) {
					t.Errorf("%s: got TTLs %v, want 300", when, got)
				}
			}
			for _, when := range []string{"after the first write", "after the same write again"} {
				if err := c.Append(t.Context(), authZone, ours); err != nil {
					t.Fatalf("%s: %v", when, err)
				}
				check(when, "foreign", "v1", "v2")
			}
			for _, when := range []string{"after the removal", "after the same removal again"} {
				if err := c.Delete(t.Context(), authZone, ours); err != nil {
					t.Fatalf("%s: %v", when, err)
				}
				check(when, "foreign")
			}
		})
	}
}

func TestWriteHundredValues(t *testing.T) {
	t.Parallel()
	for _, b := range updating {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			key := debian.NewKey("certctl-auth")
			h := auth(t, b, key, "")
			c := credential(t, h.Addr, key)
			var all []dns01.Record
			for i := range 50 {
				all = append(all, records(fmt.Sprintf("host%d.%s", i, authZone), "apex", "wildcard")...)
			}
			before := serial(t, h.Addr)
			if err := c.Append(t.Context(), authZone, all); err != nil {
				t.Fatal(err)
			}
			if got := serial(t, h.Addr); got != before+1 && b.name != "PowerDNS" { // whose serials are dates
				t.Errorf("serial after one update: got %d, want %d", got, before+1)
			}
			for i := range 50 {
				if _, got := ask(t, h.Addr, fmt.Sprintf("host%d.%s", i, authZone)); !slices.Equal(got, []string{"apex", "wildcard"}) {
					t.Errorf("host%d: got %q, want apex and wildcard", i, got)
				}
			}
			if err := c.Delete(t.Context(), authZone, all); err != nil {
				t.Fatal(err)
			}
			for i := range 50 {
				if rcode, got := ask(t, h.Addr, fmt.Sprintf("host%d.%s", i, authZone)); rcode != "NXDOMAIN" {
					t.Errorf("host%d after the removal: got %s %q, want NXDOMAIN", i, rcode, got)
				}
			}
		})
	}
}

// refused is a write that must fail, and the words that its error must have,
// by brand.
type refused struct {
	name  string
	key   func(debian.Key) debian.Key // what the client has instead of the server's key
	owner string
	words map[string][]string
}

func same(k debian.Key) debian.Key { return k }

var refusals = []refused{
	{
		name: "beside a CNAME", key: same, owner: "alias." + authZone,
		words: map[string][]string{
			"BIND":     {"alias.auth.example.net.", "CNAME"},
			"Knot":     {"alias.auth.example.net.", "CNAME"},
			"PowerDNS": {"alias.auth.example.net.", "CNAME"},
		},
	},
	{
		name: "below a zone cut", key: same, owner: "www.child." + authZone,
		words: map[string][]string{
			"BIND":     {"www.child.auth.example.net.", "child.auth.example.net."},
			"Knot":     {"www.child.auth.example.net.", "child.auth.example.net."},
			"PowerDNS": {"www.child.auth.example.net.", "child.auth.example.net."},
		},
	},
	{
		name: "unknown key", owner: "www." + authZone,
		key: func(k debian.Key) debian.Key { k.Name = "certctl-other"; return k },
		words: map[string][]string{
			"BIND": {"BADKEY", "certctl-other"}, "Knot": {"does not know the key", "certctl-other"}, "PowerDNS": {"REFUSED", "certctl-other"},
		},
	},
	{
		name: "wrong secret", owner: "www." + authZone,
		key: func(k debian.Key) debian.Key { return debian.NewKey(k.Name) },
		words: map[string][]string{
			"BIND": {"BADSIG", "certctl-auth"}, "Knot": {"BADSIG", "certctl-auth"}, "PowerDNS": {"REFUSED", "certctl-auth"},
		},
	},
	{
		name: "wrong algorithm", owner: "www." + authZone,
		key: func(k debian.Key) debian.Key { k.Algorithm = "hmac-sha512"; return k },
		words: map[string][]string{
			"BIND": {"BADKEY", "certctl-auth"}, "Knot": {"does not know the key", "certctl-auth"}, "PowerDNS": {"REFUSED", "certctl-auth"},
		},
	},
}

func TestWriteRefused(t *testing.T) {
	t.Parallel()
	for _, b := range updating {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			key := debian.NewKey("certctl-auth")
			h := auth(t, b, key, "")
			for _, r := range refusals {
				used := r.key(key)
				err := credential(t, h.Addr, used).Append(t.Context(), authZone, records(r.owner, "v1"))
				wantWords(t, r.name, err, r.words[b.name]...)
				wantSilence(t, r.name, err, used.Secret, key.Secret)
				if _, got := ask(t, h.Addr, r.owner); slices.Contains(got, "v1") {
					t.Errorf("%s: the value is served", r.name)
				}
			}
		})
	}
}

// TestWriteOutsidePolicy uses a key whose policy at the server is narrower than
// the credential's scope. PowerDNS has no such policy.
func TestWriteOutsidePolicy(t *testing.T) {
	t.Parallel()
	words := map[string][]string{"BIND": {"REFUSED", "certctl-www"}, "Knot": {"does not know the key", "certctl-www"}}
	for _, b := range updating[:2] {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			key := debian.NewKey("certctl-www")
			h := auth(t, b, key, "www."+authZone)
			err := credential(t, h.Addr, key).Append(t.Context(), authZone, records("mail."+authZone, "v1"))
			wantWords(t, "write", err, words[b.name]...)
		})
	}
}

// TestWriteWithKeyOfAnotherZone uses a key that the server knows and that is
// good for another zone.
func TestWriteWithKeyOfAnotherZone(t *testing.T) {
	t.Parallel()
	words := map[string][]string{"BIND": {"REFUSED", "certctl-other"}, "Knot": {"does not know the key", "certctl-other"}, "PowerDNS": {"REFUSED", "certctl-other"}}
	for _, b := range updating {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			key, other := debian.NewKey("certctl-auth"), debian.NewKey("certctl-other")
			h := b.start(debian.New(t), debian.Server{Zones: []debian.Zone{
				{Name: authZone, Text: authText, Grants: []debian.Grant{{Key: key}}},
				{Name: "other.example.net.", Text: soa + "@ NS ns1\nns1 A 127.0.0.1", Grants: []debian.Grant{{Key: other}}},
			}})
			err := credential(t, h.Addr, other).Append(t.Context(), authZone, records("www."+authZone, "v1"))
			wantWords(t, "write", err, words[b.name]...)
			if _, got := ask(t, h.Addr, "www."+authZone); !slices.Equal(got, []string{"foreign"}) {
				t.Errorf("after the refusal: got %q, want foreign", got)
			}
		})
	}
}

// TestWriteAtWrongTime lets the client's clock run in a synctest bubble, where
// it shows any time that the test likes.
func TestWriteAtWrongTime(t *testing.T) {
	t.Parallel()
	words := map[string][]string{"BIND": {"BADTIME", "1h0m"}, "Knot": {"BADTIME", "1h0m"}, "PowerDNS": {"REFUSED"}}
	for _, b := range updating {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			key := debian.NewKey("certctl-auth")
			h := auth(t, b, key, "")
			c := credential(t, h.Addr, key)
			late := time.Now().Add(time.Hour)
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(late))
				err := c.Append(context.Background(), authZone, records("www."+authZone, "v1"))
				wantWords(t, "write", err, words[b.name]...)
			})
		})
	}
}

// TestWriteToHiddenPrimary writes at a server that no NS record names: as
// configured, and as the SOA record's MNAME says.
func TestWriteToHiddenPrimary(t *testing.T) {
	t.Parallel()
	for _, b := range updating {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			site, key := debian.New(t), debian.NewKey("certctl-auth")
			hidden, public := site.Addr(), site.Addr()
			zone := debian.Delegation{Zone: authZone, Servers: []netip.AddrPort{public}}
			b.start(site, debian.Server{Addr: hidden, Zones: []debian.Zone{{
				Name: authZone,
				Text: "@ SOA primary hostmaster 1 86400 86400 864000 1\n" + zone.String() +
					"primary A " + hidden.Addr().String(),
				Grants:      []debian.Grant{{Key: key}},
				Secondaries: []netip.AddrPort{public},
			}}})
			site.NSD(debian.Server{Addr: public, Zones: []debian.Zone{{Name: authZone, Primary: hidden}}})
			site.Root(zone)
			resolver := delegation.NewResolver(delegation.Options{
				Recursive: []netip.AddrPort{site.Unbound().Addr}, Port: site.Port,
			})
			for server, value := range map[string]string{hidden.String(): "configured", "": "found"} {
				p, err := rfc2136.New(rfc2136.Config{
					Server: server,
					TSIG:   rfc2136.TSIG{Name: key.Name, Secret: secret.Plain(key.Secret)},
				}, authZone, dns01.Environment{Primary: resolver.Primary})
				if err != nil {
					t.Fatal(err)
				}
				c := dns01.NewCredential("", authZone, p)
				if err := c.Append(t.Context(), authZone, records("www."+authZone, value)); err != nil {
					t.Errorf("%s: %v", value, err)
					continue
				}
				eventually(t, public, "www."+authZone, value)
			}
		})
	}
}

func TestWriteToSecondary(t *testing.T) {
	t.Parallel()
	site := debian.New(t)
	key := debian.NewKey("certctl-auth")
	primary := site.BIND(debian.Server{Zones: []debian.Zone{{
		Name: authZone, Text: authText, Grants: []debian.Grant{{Key: key}},
	}}})
	secondary := site.NSD(debian.Server{Zones: []debian.Zone{{Name: authZone, Primary: primary.Addr}}})
	err := credential(t, secondary.Addr, key).Append(t.Context(), authZone, records("www."+authZone, "v1"))
	wantWords(t, "write at a server that takes no updates", err, secondary.Addr.String())
}

// wantWords checks that an error's text, or its hint, has all the words.
func wantWords(t *testing.T, what string, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: got no error, want one with %q", what, words)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: got error %q, want %q in it", what, err, w)
		}
	}
}

// wantSilence checks that an error's text has none of the words.
func wantSilence(t *testing.T, what string, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if err != nil && strings.Contains(err.Error(), w) {
			t.Errorf("%s: the error %q shows a secret", what, err)
		}
	}
}

// A key that is good for the zone above as well is found out, where the server
// has that zone; one that is not is no worse for it.
func TestProbeAbove(t *testing.T) {
	t.Parallel()
	for _, b := range updating {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			key := debian.NewKey("certctl-auth")
			for _, both := range []bool{true, false} {
				zones := []debian.Zone{
					{Name: authZone, Text: authText, Grants: []debian.Grant{{Key: key}}},
					{Name: "example.net.", Text: soa + "@ NS ns1\nns1 A 127.0.0.1\n", Grants: []debian.Grant{{Key: debian.NewKey("other")}}},
				}
				if both {
					zones[1].Grants = zones[0].Grants
				}
				h := b.start(debian.New(t), debian.Server{Zones: zones})
				br, err := credential(t, h.Addr, key).ProbeScope(t.Context(), authZone, "www."+authZone)
				if err != nil {
					t.Fatal(err)
				}
				above := slices.ContainsFunc(br.Wide(), func(t dns01.Trial) bool { return t.Reach == dns01.OtherZones })
				if above != both {
					t.Errorf("got %v, want other zones %t", br.Wide(), both)
				}
			}
		})
	}
}
