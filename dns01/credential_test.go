package dns01_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
)

// recorder is a provider that notes its calls.
type recorder struct {
	label string
	fail  map[string]error // by zone

	mu    sync.Mutex
	calls []string
}

func (r *recorder) Label() string { return r.label }

func (r *recorder) AppendRecords(_ context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	return records, r.note("append", zone, records)
}

func (r *recorder) DeleteRecords(_ context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	return records, r.note("delete", zone, records)
}

func (r *recorder) note(verb, zone string, records []libdns.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	call := verb + " " + zone
	for _, record := range records {
		rr := record.RR()
		call += fmt.Sprintf(" %s/%s/%v/%s", rr.Name, rr.Type, rr.TTL, rr.Data)
	}
	r.calls = append(r.calls, call)
	return r.fail[zone]
}

// narrow returns a credential for a part of a zone.
func narrow(label string, scope, zone delegation.Name, p dns01.Provider) *dns01.Credential {
	c := dns01.NewCredential(label, scope, p)
	c.Zone = zone
	return c
}

func TestCovers(t *testing.T) {
	tests := []struct {
		scope, apex, zone, owner delegation.Name
		want                     bool
	}{
		{"auth.example.net.", "", "auth.example.net.", "a.auth.example.net.", true},
		{"auth.example.net.", "", "auth.example.net.", "auth.example.net.", true},
		{"a.auth.example.net.", "auth.example.net.", "auth.example.net.", "a.auth.example.net.", true},
		{"a.auth.example.net.", "auth.example.net.", "auth.example.net.", "b.auth.example.net.", false},
		{"a.auth.example.net.", "auth.example.net.", "auth.example.net.", "xa.auth.example.net.", false},
		{"a.auth.example.net.", "auth.example.net.", "example.net.", "a.auth.example.net.", false},        // its zone is hidden
		{"a.auth.example.net.", "auth.example.net.", "a.auth.example.net.", "a.auth.example.net.", false}, // a zone is made up
		{"example.net.", "", "auth.example.net.", "a.auth.example.net.", false},                           // delegated away
		{"example.net.", "", "example.net.", "a.auth.example.net.", true},
		{"auth.example.net.", "", "example.net.", "auth.example.net.", false}, // its zone is hidden
		{"auth.example.net.", "example.net.", "example.net.", "auth.example.net.", true},
		{"notexample.net.", "", "example.net.", "notexample.net.", false},
		{".", "", "example.net.", "example.net.", false},
	}
	for _, test := range tests {
		c := narrow("", test.scope, test.apex, &recorder{})
		if got := c.Covers(test.zone, test.owner); got != test.want {
			t.Errorf("scope %s, zone %s, owner %s: got %t, want %t", test.scope, test.zone, test.owner, got, test.want)
		}
	}
}

// Not even the harmless records of a batch reach the provider.
func TestCredentialRefuses(t *testing.T) {
	good := dns01.Record{Zone: "example.net.", Owner: "auth.example.net.", Value: "v"}
	tests := []struct {
		name string
		zone delegation.Name
		bad  dns01.Record
		want string
	}{
		{"other owner", "example.net.", dns01.Record{Zone: "example.net.", Owner: "www.example.net."}, "k may write at and below auth.example.net. only, not at www.example.net. in zone example.net."},
		{"parent zone", "net.", dns01.Record{Zone: "net.", Owner: "example.net."}, "k may write at and below auth.example.net. only, not at auth.example.net. in zone example.net."},
		{"child zone", "a.auth.example.net.", dns01.Record{Zone: "a.auth.example.net.", Owner: "a.auth.example.net."}, "k may write at and below auth.example.net. only, not at auth.example.net. in zone example.net."},
		{"record of another zone", "example.net.", dns01.Record{Zone: "net.", Owner: "auth.example.net."}, "k may write at and below auth.example.net. only, not at auth.example.net. in zone net."},
	}
	for _, test := range tests {
		r := &recorder{}
		c := narrow("k", "auth.example.net.", "example.net.", r)
		records := []dns01.Record{good, test.bad}
		for _, err := range []error{c.Append(t.Context(), test.zone, records), c.Delete(t.Context(), test.zone, records)} {
			var refusal *dns01.ScopeError
			if !errors.As(err, &refusal) || err.Error() != test.want {
				t.Errorf("%s: got %v, want a *ScopeError: %s", test.name, err, test.want)
			}
		}
		if len(r.calls) > 0 {
			t.Errorf("%s: the provider was called: %q", test.name, r.calls)
		}
	}
}

func TestCredentialConverts(t *testing.T) {
	r := &recorder{label: "recorder key k"}
	c := dns01.NewCredential("", "example.net.", r)
	if c.Label != "recorder key k" {
		t.Errorf("label: got %q, want that of the provider", c.Label)
	}
	records := []dns01.Record{
		{Zone: "example.net.", Owner: "example.net.", Value: "v", TTL: time.Minute},
		{Zone: "example.net.", Owner: "a.b.example.net.", Value: "w", TTL: time.Minute},
	}
	if err := errors.Join(c.Append(t.Context(), "example.net.", records), c.Delete(t.Context(), "example.net.", records)); err != nil {
		t.Fatal(err)
	}
	want := []string{"append example.net. @/TXT/1m0s/v a.b/TXT/1m0s/w", "delete example.net. @/TXT/0s/v a.b/TXT/0s/w"}
	if diff := cmp.Diff(want, r.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func target(zone, owner delegation.Name) *delegation.Target {
	return &delegation.Target{Zone: zone, Owner: owner}
}

func TestFor(t *testing.T) {
	cs := dns01.Credentials{
		dns01.NewCredential("zone", "example.net.", &recorder{}),
		narrow("name", "a.example.net.", "example.net.", &recorder{}),
		dns01.NewCredential("child", "child.example.net.", &recorder{}),
		dns01.NewCredential("org", "example.org.", &recorder{}),
	}
	wild := target("cdn.example.", "lb.cdn.example.")
	wild.Explicit = target("example.org.", "_acme-challenge.www.example.org.")
	both := target("example.net.", "b.example.net.")
	both.Explicit = wild.Explicit
	tests := []struct {
		target *delegation.Target
		want   string
		place  *delegation.Target
	}{
		{target("example.net.", "b.example.net."), "zone", nil},
		{target("example.net.", "a.example.net."), "name", nil},
		{target("example.net.", "x.a.example.net."), "name", nil},
		{target("child.example.net.", "x.child.example.net."), "child", nil},
		{wild, "org", wild.Explicit},
		{both, "zone", nil},
	}
	for _, test := range tests {
		if test.place == nil {
			test.place = test.target
		}
		grant, err := cs.For(test.target)
		if err != nil {
			t.Errorf("%s: %v", test.target.Owner, err)
			continue
		}
		if grant.Credential.Label != test.want || grant.Target != test.place {
			t.Errorf("%s: got %s at %s, want %s at %s", test.target.Owner, grant.Credential.Label, grant.Target.Owner, test.want, test.place.Owner)
		}
	}
}

// Where DNS shows another zone than the credential's own, no other credential
// stands in, however wide.
func TestForHiddenZone(t *testing.T) {
	cs := dns01.Credentials{
		dns01.NewCredential("net", "example.net.", &recorder{}),
		dns01.NewCredential("child", "child.example.net.", &recorder{}),
	}
	_, err := cs.For(target("example.net.", "x.child.example.net."))
	missing, ok := errors.AsType[*dns01.NoCredentialError](err)
	want := "no credential for x.child.example.net. in zone example.net.: child is for zone child.example.net. only, and DNS shows no such zone"
	if !ok || err.Error() != want {
		t.Fatalf("got %v, want a *NoCredentialError: %s", err, want)
	}
	if hint := "zones:\n  child.example.net:\n    zone: example.net"; !strings.HasSuffix(missing.Hint(), hint) {
		t.Errorf("got the hint %q, want the lines %q", missing.Hint(), hint)
	}
}

func TestNoCredential(t *testing.T) {
	cs := dns01.Credentials{
		dns01.NewCredential("rfc2136 key main", "example.com.", &recorder{}),
		dns01.NewCredential("rfc2136 key com", "com.", &recorder{}),
	}
	aliased := target("auth.example.net.", "x.auth.example.net.")
	aliased.Challenge = "_acme-challenge.example.org."
	aliased.Steps = []delegation.Step{
		{Kind: delegation.Cut, Type: "NS", From: ".", To: "org."},
		{Kind: delegation.Cut, Type: "NS", From: "org.", To: "_acme-challenge.example.org."},
		{Kind: delegation.Alias, Type: "CNAME", From: "_acme-challenge.example.org.", To: "y.example.net."},
		{Kind: delegation.Alias, Type: "DNAME", From: "y.example.net.", To: "x.auth.example.net."},
	}
	wild := target("cdn.example.", "lb.cdn.example.")
	wild.Steps = []delegation.Step{{Kind: delegation.Alias, Type: "CNAME", From: "_acme-challenge.w.example.org.", To: "lb.cdn.example.", Synthesised: true}}
	wild.Explicit = target("example.org.", "_acme-challenge.w.example.org.")
	delegated := target("_acme-challenge.www.example.com.", "_acme-challenge.www.example.com.")
	delegated.Steps = []delegation.Step{{Kind: delegation.Cut, Type: "NS", From: "example.com.", To: "_acme-challenge.www.example.com."}}
	tests := []struct {
		target    *delegation.Target
		want, key string
	}{
		{aliased, "no credential for x.auth.example.net. in zone auth.example.net. (_acme-challenge.example.org. is delegated by NS of org., _acme-challenge.example.org. is an alias for y.example.net. by CNAME, y.example.net. is an alias for x.auth.example.net. by DNAME)", "auth.example.net"},
		{wild, "no credential for lb.cdn.example. in zone cdn.example. (_acme-challenge.w.example.org. is an alias for lb.cdn.example. by a wildcard CNAME), nor for _acme-challenge.w.example.org. in zone example.org., where a record of its own would end the wildcard", "cdn.example"},
		{delegated, "no credential for _acme-challenge.www.example.com. in zone _acme-challenge.www.example.com. (_acme-challenge.www.example.com. is delegated by NS of example.com.): zone _acme-challenge.www.example.com. is delegated away from example.com., the zone of rfc2136 key main", "_acme-challenge.www.example.com"},
		{target(".", "."), "no credential for . in zone .", `"."`},
		{target(`\033x.example.`, `\033x.example.`), `no credential for \033x.example. in zone \033x.example.`, `"\\033x.example"`},
	}
	for _, test := range tests {
		_, err := cs.For(test.target)
		var missing *dns01.NoCredentialError
		if !errors.As(err, &missing) {
			t.Errorf("%s: got %v, want a *NoCredentialError", test.target.Owner, err)
			continue
		}
		if diff := cmp.Diff(test.want, err.Error()); diff != "" {
			t.Errorf("error (-want +got):\n%s", diff)
		}
		hint := `add a key for this zone to the configuration, for example:
zones:
  ` + test.key + `:
    provider: rfc2136
    tsig: {name: KEY-NAME, algorithm: hmac-sha256, secret: {file: KEY-FILE}}`
		if diff := cmp.Diff(hint, missing.Hint()); diff != "" {
			t.Errorf("hint (-want +got):\n%s", diff)
		}
	}
}

// publications returns two zones with two credentials, and a value twice.
func publications(r, other *recorder) []dns01.Publication {
	net := dns01.NewCredential("net", "example.net.", r)
	org := dns01.NewCredential("org", "example.org.", other)
	org.TTL = 5 * time.Minute
	at := func(c *dns01.Credential, owner delegation.Name, value string) dns01.Publication {
		return dns01.Publication{Grant: dns01.Grant{Target: target(c.Scope, owner), Credential: c}, Value: value}
	}
	return []dns01.Publication{
		at(net, "a.example.net.", "1"), at(org, "b.example.org.", "2"), at(net, "a.example.net.", "3"),
		at(net, "a.example.net.", "1"), at(net, "c.example.net.", "1"),
	}
}

func TestPublish(t *testing.T) {
	r, other := &recorder{}, &recorder{}
	if err := dns01.Publish(t.Context(), publications(r, other)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"append example.net. a/TXT/1m0s/1 a/TXT/1m0s/3 c/TXT/1m0s/1"}, r.calls); diff != "" {
		t.Errorf("first zone (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"append example.org. b/TXT/5m0s/2"}, other.calls); diff != "" {
		t.Errorf("second zone (-want +got):\n%s", diff)
	}
}

func TestPublishErrors(t *testing.T) {
	r := &recorder{fail: map[string]error{"example.net.": errors.New("refused")}}
	other := &recorder{fail: map[string]error{"example.org.": errors.New("timeout")}}
	err := dns01.Publish(t.Context(), publications(r, other))
	want := "zone example.net. with net: refused\nzone example.org. with org: timeout"
	if fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// slow is a provider whose calls last until all others have begun.
type slow struct {
	recorder
	begun *sync.WaitGroup
}

func (s *slow) AppendRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	s.begun.Done()
	s.begun.Wait()
	return s.recorder.AppendRecords(ctx, zone, records)
}

func TestPublishSideBySide(t *testing.T) {
	var begun sync.WaitGroup
	var ps []dns01.Publication
	for _, zone := range []delegation.Name{"a.", "b.", "c."} {
		begun.Add(1)
		c := dns01.NewCredential("", zone, &slow{begun: &begun})
		ps = append(ps, dns01.Publication{Grant: dns01.Grant{Target: target(zone, zone), Credential: c}, Value: "v"})
	}
	if err := dns01.Publish(t.Context(), ps); err != nil {
		t.Error(err)
	}
}

func TestRemove(t *testing.T) {
	r := &recorder{}
	other := &recorder{fail: map[string]error{"example.org.": errors.New("refused")}}
	ps := publications(r, other)
	gone, err := dns01.Remove(t.Context(), ps)
	if want := "zone example.org. with org: refused"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if diff := cmp.Diff([]string{"delete example.net. a/TXT/0s/1 a/TXT/0s/3 c/TXT/0s/1"}, r.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	want := []dns01.Removal{ps[0].Removal(), ps[2].Removal(), ps[3].Removal(), ps[4].Removal()}
	if diff := cmp.Diff(want, gone); diff != "" {
		t.Errorf("gone (-want +got):\n%s", diff)
	}
}

// A later run has the journal and its own configuration, and nothing else.
func TestRemoveJournaled(t *testing.T) {
	r := &recorder{fail: map[string]error{"bad.example.net.": errors.New("refused")}}
	cs := dns01.Credentials{
		dns01.NewCredential("net", "example.net.", r),
		dns01.NewCredential("bad", "bad.example.net.", r),
	}
	removal := func(scope, zone, owner delegation.Name) dns01.Removal {
		return dns01.Removal{Record: dns01.Record{Zone: zone, Owner: owner, Value: "v", TTL: time.Minute}, Scope: scope}
	}
	good := removal("example.net.", "example.net.", "a.example.net.")
	gone, err := cs.Remove(t.Context(), []dns01.Removal{
		removal("lost.example.net.", "example.net.", "x.lost.example.net."),
		good,
		removal("bad.example.net.", "bad.example.net.", "bad.example.net."),
		removal("example.net.", "example.org.", "a.example.org."),
	})
	if diff := cmp.Diff([]dns01.Removal{good}, gone); diff != "" {
		t.Errorf("gone (-want +got):\n%s", diff)
	}
	want := `zone example.net.: no credential with the scope lost.example.net., which published TXT "v" at x.lost.example.net.
zone bad.example.net. with bad: refused
zone example.org. with net: net may write at and below example.net. only, not at a.example.org. in zone example.org.`
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	var lost *dns01.NoScopeError
	if !errors.As(err, &lost) || !strings.Contains(lost.Hint(), "put the entry lost.example.net back under zones:") {
		t.Errorf("got %v, want a hint at the entry that is missing", lost)
	}
	slices.Sort(r.calls)
	if diff := cmp.Diff([]string{"delete bad.example.net. @/TXT/0s/v", "delete example.net. a/TXT/0s/v"}, r.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
