package rfc2136_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/rfc2136"
	"certctl/lab/authority"
	"certctl/secret"
)

const zone = "auth.example.net."

// world is a zone on a server with UPDATE, and one key.
type world struct {
	*authority.World
	zone   *authority.Zone
	server *authority.Server
	key    authority.Key
}

// newWorld starts a world; text is what the zone has. The key may write at the
// owners, or everywhere if there are none.
func newWorld(t *testing.T, text string, owners ...string) *world {
	t.Helper()
	w := &world{World: authority.New()}
	w.zone = w.Zone(zone, text, "ns1.example.net.")
	w.Zone("child."+zone, "", "ns1.example.net.")
	w.server = w.Server("ns1.example.net.")
	w.key = w.zone.Key("certctl-auth", owners...)
	w.Run(t)
	return w
}

// provider returns a provider for the key, changed in one way or the other.
func (w *world) provider(t *testing.T, changes ...func(*rfc2136.Config)) dns01.Provider {
	t.Helper()
	c := rfc2136.Config{
		Server: w.server.Addr().String(),
		TSIG:   rfc2136.TSIG{Name: w.key.Name, Algorithm: w.key.Algorithm, Secret: secret.Plain(w.key.Secret)},
	}
	for _, change := range changes {
		change(&c)
	}
	p, err := rfc2136.New(c, zone, dns01.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func txt(name, value string) libdns.Record {
	return libdns.RR{Name: name, Type: "TXT", TTL: time.Minute, Data: value}
}

func (w *world) want(t *testing.T, records ...string) {
	t.Helper()
	if diff := cmp.Diff(records, w.zone.Records("TXT")); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// A record comes beside the others of its set, with their TTL, and goes alone.
func TestAppendAndDelete(t *testing.T) {
	w := newWorld(t, `a 300 TXT "other"`)
	p := w.provider(t)
	records := []libdns.Record{txt("a", "1"), txt("a", "2"), txt("b", "1"), txt("@", "apex")}
	for range 2 {
		if _, err := p.AppendRecords(t.Context(), zone, records); err != nil {
			t.Fatal(err)
		}
		w.want(t,
			`a.auth.example.net. 300 IN TXT "1"`,
			`a.auth.example.net. 300 IN TXT "2"`,
			`a.auth.example.net. 300 IN TXT "other"`,
			`auth.example.net. 60 IN TXT "apex"`,
			`b.auth.example.net. 60 IN TXT "1"`)
	}
	for range 2 {
		if _, err := p.DeleteRecords(t.Context(), zone, records); err != nil {
			t.Fatal(err)
		}
		w.want(t, `a.auth.example.net. 300 IN TXT "other"`)
	}
	for _, u := range w.Updates() {
		if u.Key != "certctl-auth" || !u.TCP || u.Zone != zone || slices.ContainsFunc(u.Removed, func(r string) bool { return !strings.Contains(r, `"`) }) {
			t.Errorf("update %v: want one over TCP, signed, that deletes no set", u)
		}
	}
	for _, q := range w.Queries() {
		if q.RD || !q.TCP {
			t.Errorf("query %v: want RD=0 over TCP", q)
		}
	}
}

// One update, whatever the number of records.
func TestBatch(t *testing.T) {
	w := newWorld(t, "")
	p := w.provider(t)
	var records []libdns.Record
	for i := range 100 {
		records = append(records, txt(fmt.Sprintf("n%d", i), "a-value-of-43-characters-as-in-RFC-8555-§8.4"))
	}
	if _, err := p.AppendRecords(t.Context(), zone, records); err != nil {
		t.Fatal(err)
	}
	if got := len(w.zone.Records("TXT")); got != 100 {
		t.Errorf("records: got %d, want 100", got)
	}
	if _, err := p.DeleteRecords(t.Context(), zone, records); err != nil {
		t.Fatal(err)
	}
	w.want(t)
	if got := len(w.Updates()); got != 2 {
		t.Errorf("updates: got %d, want 2", got)
	}
}

// More than a message can hold is split.
func TestSplit(t *testing.T) {
	w := newWorld(t, "")
	var records []libdns.Record
	for i := range 300 {
		records = append(records, txt(fmt.Sprintf("n%d", i), strings.Repeat("x", 400)))
	}
	if _, err := w.provider(t).AppendRecords(t.Context(), zone, records); err != nil {
		t.Fatal(err)
	}
	if got := len(w.zone.Records("TXT")); got != 300 {
		t.Errorf("records: got %d, want 300", got)
	}
	if got := len(w.Updates()); got != 3 {
		t.Errorf("updates: got %d, want 3", got)
	}
}

func TestSpecialCharacters(t *testing.T) {
	w := newWorld(t, "")
	p := w.provider(t)
	records := []libdns.Record{txt("a", `say "\" § twice`)}
	if _, err := p.AppendRecords(t.Context(), zone, records); err != nil {
		t.Fatal(err)
	}
	w.want(t, `a.auth.example.net. 60 IN TXT "say \"\\\" \194\167 twice"`)
	if _, err := p.DeleteRecords(t.Context(), zone, records); err != nil {
		t.Fatal(err)
	}
	w.want(t)
}

// An explicit record ends the synthesis from a wildcard.
func TestBesideWildcard(t *testing.T) {
	w := newWorld(t, `* CNAME lb.example.org.`)
	if _, err := w.provider(t).AppendRecords(t.Context(), zone, []libdns.Record{txt("a", "1")}); err != nil {
		t.Fatal(err)
	}
	w.want(t, `a.auth.example.net. 60 IN TXT "1"`)
}

// Outside the scope not even a connection is made.
func TestScope(t *testing.T) {
	for _, test := range []struct{ scope, zone, name string }{
		{"a." + zone, zone, "b"},
		{"a." + zone, zone, "@"},
		{zone, "example.net.", "a.auth"},
		{zone, "example.net.", "www"},
		{"example.net.", zone, "a"},
	} {
		if test.scope == zone && test.name == "a.auth" {
			continue // scope narrower than the zone: allowed
		}
		env := dns01.Environment{Primary: func(context.Context, delegation.Name) ([]netip.AddrPort, error) {
			t.Errorf("%v: the server was looked up", test)
			return nil, errors.New("none")
		}}
		p, err := rfc2136.New(rfc2136.Config{TSIG: rfc2136.TSIG{Name: "k", Secret: secret.Plain("c2VjcmV0")}}, delegation.Name(test.scope), env)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.AppendRecords(t.Context(), test.zone, []libdns.Record{txt(test.name, "v")})
		var refusal *dns01.ScopeError
		if !errors.As(err, &refusal) {
			t.Errorf("%v: append: got %v, want a *ScopeError", test, err)
		}
		if _, err = p.DeleteRecords(t.Context(), test.zone, []libdns.Record{txt(test.name, "v")}); !errors.As(err, &refusal) {
			t.Errorf("%v: delete: got %v, want a *ScopeError", test, err)
		}
	}
}

func TestOnlyTXT(t *testing.T) {
	w := newWorld(t, "")
	_, err := w.provider(t).AppendRecords(t.Context(), zone, []libdns.Record{libdns.RR{Name: "a", Type: "A", Data: "192.0.2.1"}})
	if want := "a record of type A: only TXT is written"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// What the server says no to, and what it only seems to do.
func TestRefusals(t *testing.T) {
	wrong := func(c *rfc2136.Config) { c.TSIG.Secret = secret.Plain("d3Jvbmc=") }
	unknown := func(c *rfc2136.Config) { c.TSIG.Name = "nobody" }
	weak := func(c *rfc2136.Config) { c.TSIG.Algorithm = "hmac-sha1" }
	none := func(*rfc2136.Config) {}
	tests := []struct {
		name   string
		change func(*rfc2136.Config)
		fault  authority.Fault
		zone   string
		owner  string
		want   string
	}{
		{"bad secret", wrong, authority.Fault{}, zone, "a",
			"server SERVER refused the update of zone auth.example.net.: BADSIG: its secret for the key certctl-auth is another one"},
		{"bad name", unknown, authority.Fault{}, zone, "a",
			"server SERVER refused the update of zone auth.example.net.: BADKEY: it does not know the key nobody with hmac-sha256, or does not let it write here"},
		{"bad algorithm", weak, authority.Fault{}, zone, "a",
			"server SERVER refused the update of zone auth.example.net.: BADKEY: it does not know the key certctl-auth with hmac-sha1, or does not let it write here"},
		{"server's clock ahead", none, authority.Fault{ClockAhead: time.Hour}, zone, "a",
			"server SERVER refused the update of zone auth.example.net.: BADTIME: its clock is 1h0m0s ahead of this host's"},
		{"server's clock behind", none, authority.Fault{ClockAhead: -20 * time.Minute}, zone, "a",
			"server SERVER refused the update of zone auth.example.net.: BADTIME: its clock is 20m0s behind this host's"},
		{"other owner", none, authority.Fault{}, zone, "b",
			"server SERVER refused the update of zone auth.example.net.: REFUSED: the key certctl-auth may not write all of these records, or it takes no updates from here"},
		{"other owner, an alias", none, authority.Fault{}, zone, "alias",
			"server SERVER refused the update of zone auth.example.net.: REFUSED: the key certctl-auth may not write all of these records, or it takes no updates from here; or it adds nothing beside the alias (CNAME) at alias.auth.example.net."},
		{"other zone", none, authority.Fault{}, "a." + zone, "@",
			"server SERVER refused the update of zone a.auth.example.net.: NOTAUTH: it is not the primary of that zone, or does not serve it"},
		{"no updates", none, authority.Fault{NoUpdates: true}, zone, "a",
			"server SERVER refused the update of zone auth.example.net.: REFUSED: the key certctl-auth may not write all of these records, or it takes no updates from here"},
		{"swallowed", none, authority.Fault{Swallow: true}, zone, "a",
			"server SERVER said NOERROR to the update and has no such TXT record at a.auth.example.net. (NXDOMAIN)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "alias CNAME x.example.org.", "a")
			w.server.Fault(test.fault)
			c := rfc2136.Config{
				Server: w.server.Addr().String(),
				TSIG:   rfc2136.TSIG{Name: w.key.Name, Algorithm: w.key.Algorithm, Secret: secret.Plain(w.key.Secret)},
			}
			test.change(&c)
			p, err := rfc2136.New(c, delegation.Name(test.zone), dns01.Environment{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.AppendRecords(t.Context(), test.zone, []libdns.Record{txt(test.owner, "v")})
			got := strings.ReplaceAll(fmt.Sprint(err), c.Server, "SERVER")
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			var hint interface{ Hint() string }
			if !errors.As(err, &hint) || hint.Hint() == "" {
				t.Errorf("got %v, want a hint", err)
			}
			if _, nothing := errors.AsType[*dns01.UnwrittenError](err); nothing == test.fault.Swallow {
				t.Errorf("got %v, nothing written %t", err, nothing)
			}
			w.want(t)
		})
	}
}

func TestSwallowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `
		alias CNAME x.example.org.
		there TXT "other"
		cut   NS ns.example.org.
	`)
	tests := []struct{ owner, want, hint string }{
		{"alias", "server SERVER has no TXT record at alias.auth.example.net.: the name is an alias (CNAME) for x.example.org., and nothing can stand beside an alias",
			"remove the CNAME at alias.auth.example.net., or let it be followed: the record then goes to x.example.org."},
		{"a.child", "server SERVER does not serve a.child.auth.example.net. from zone auth.example.net.: it has a zone cut at child.auth.example.net., and what is written below a cut is never seen",
			"the record belongs into the zone child.auth.example.net: its servers must be reachable to be found, and it needs a key of its own"},
		{"child", "server SERVER does not serve child.auth.example.net. from zone auth.example.net.: it has a zone cut at child.auth.example.net., and what is written below a cut is never seen",
			"the record belongs into the zone child.auth.example.net: its servers must be reachable to be found, and it needs a key of its own"},
		{"x.y.cut", "server SERVER does not serve x.y.cut.auth.example.net. from zone auth.example.net.: it has a zone cut at cut.auth.example.net., and what is written below a cut is never seen",
			"the record belongs into the zone cut.auth.example.net: its servers must be reachable to be found, and it needs a key of its own"},
	}
	p := w.provider(t)
	for _, test := range tests {
		_, err := p.AppendRecords(t.Context(), zone, []libdns.Record{txt(test.owner, "v")})
		got := strings.ReplaceAll(fmt.Sprint(err), w.server.Addr().String(), "SERVER")
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.owner, diff)
		}
		var swallowed *rfc2136.SwallowedError
		if !errors.As(err, &swallowed) || swallowed.Hint() != test.hint {
			t.Errorf("%s: got %v, want the hint %q", test.owner, swallowed, test.hint)
		}
	}
	for _, u := range w.Updates() {
		if !strings.Contains(u.String(), "alias") {
			t.Errorf("got %v, want no update below a cut", u)
		}
	}
}

func TestSwallowedRemoval(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `a TXT "v"`)
	w.server.Fault(authority.Fault{Swallow: true})
	_, err := w.provider(t).DeleteRecords(t.Context(), zone, []libdns.Record{txt("a", "v")})
	want := fmt.Sprintf("server %v said NOERROR to the removal of the TXT record at a.auth.example.net. and still has it", w.server.Addr())
	if fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A server that refuses to remove what it refused to add has nothing to remove;
// one that has it is not let off.
func TestRefusedRemoval(t *testing.T) {
	w := newWorld(t, "")
	p := w.provider(t)
	there := []libdns.Record{txt("there", "value")}
	if _, err := p.AppendRecords(t.Context(), zone, there); err != nil {
		t.Fatal(err)
	}
	w.Server("ns1.example.net.").Fault(authority.Fault{NoUpdates: true})
	if _, err := p.DeleteRecords(t.Context(), zone, []libdns.Record{txt("absent", "value")}); err != nil {
		t.Errorf("got %v for a record that is not there, want no error", err)
	}
	if _, err := p.DeleteRecords(t.Context(), zone, there); err == nil {
		t.Error("got no error for a record that is still there")
	}
}

// A primary that answers no queries takes updates all the same.
func TestPrimaryWithoutQueries(t *testing.T) {
	w := newWorld(t, "")
	w.server.Fault(authority.Fault{Refuse: true})
	if _, err := w.provider(t).AppendRecords(t.Context(), zone, []libdns.Record{txt("a", "v")}); err != nil {
		t.Error(err)
	}
	w.want(t, `a.auth.example.net. 60 IN TXT "v"`)
}

// Without server: the zone's primary is asked for.
func TestPrimary(t *testing.T) {
	w := newWorld(t, "")
	c := rfc2136.Config{TSIG: rfc2136.TSIG{Name: w.key.Name, Secret: secret.Plain(w.key.Secret)}}
	dead := netip.AddrPortFrom(w.server.Addr().Addr(), 1)
	env := dns01.Environment{Primary: func(_ context.Context, z delegation.Name) ([]netip.AddrPort, error) {
		return []netip.AddrPort{dead, w.server.Addr()}, nil
	}}
	p, err := rfc2136.New(c, zone, env)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.AppendRecords(t.Context(), zone, []libdns.Record{txt("a", "v")}); err != nil {
		t.Error(err)
	}
	w.want(t, `a.auth.example.net. 60 IN TXT "v"`)

	env.Primary = func(context.Context, delegation.Name) ([]netip.AddrPort, error) { return []netip.AddrPort{dead}, nil }
	if p, err = rfc2136.New(c, zone, env); err != nil {
		t.Fatal(err)
	}
	_, err = p.AppendRecords(t.Context(), zone, []libdns.Record{txt("a", "v")})
	var unreachable *rfc2136.UnreachableError
	if want := fmt.Sprintf("server %v: connect: connection refused", dead); !errors.As(err, &unreachable) || err.Error() != want {
		t.Fatalf("got %v, want %s", err, want)
	}
	want := "this is the primary that the SOA record of auth.example.net. names; where updates go to another server, name it as server: in the zone's entry"
	if got := unreachable.Hint(); got != want {
		t.Errorf("hint: got %q, want %q", got, want)
	}
}

func TestAlgorithms(t *testing.T) {
	w := newWorld(t, "")
	for _, algorithm := range []string{"hmac-sha224", "hmac-sha256", "hmac-sha384", "HMAC-SHA512.", "hmac-sha1", ""} {
		name := "k" + strings.Trim(strings.ToLower(algorithm), ".")
		k := authority.NewKey(name)
		k.Algorithm = strings.Trim(strings.ToLower(algorithm), ".")
		if algorithm == "" {
			k.Algorithm = "hmac-sha256"
		}
		w.zone.Allow(k)
		p := w.provider(t, func(c *rfc2136.Config) {
			c.TSIG = rfc2136.TSIG{Name: name + ".", Algorithm: algorithm, Secret: secret.Plain(k.Secret)}
		})
		if _, err := p.AppendRecords(t.Context(), zone, []libdns.Record{txt("a", name)}); err != nil {
			t.Errorf("%q: %v", algorithm, err)
		}
	}
	if got := len(w.zone.Records("TXT")); got != 6 {
		t.Errorf("records: got %d, want 6", got)
	}
}

// Nothing that can be printed shows the secret.
func TestNothingShown(t *testing.T) {
	w := newWorld(t, "")
	p := w.provider(t)
	if _, err := p.AppendRecords(t.Context(), zone, []libdns.Record{txt("a", "v")}); err != nil {
		t.Fatal(err)
	}
	c := dns01.NewCredential("", zone, p)
	if want := "rfc2136 key certctl-auth"; c.Label != want {
		t.Errorf("label: got %q, want %q", c.Label, want)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, v := range []any{p, c, *c} {
			if shown := fmt.Sprintf(verb, v); strings.Contains(shown, w.key.Secret) || strings.Contains(shown, "hmac") {
				t.Errorf("%s of %T: %s", verb, v, shown)
			}
		}
	}
}
