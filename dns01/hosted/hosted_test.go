package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/hosted"
)

const (
	zone   = delegation.Name("example.com.")
	scope  = delegation.Name("auth.example.com.")
	s3cret = "s3cret"
)

// account is a service in memory: the secret, where zones are found, and the
// editor of each.
type account struct {
	opened []delegation.Name
	did    []string
	sends  bool // what it fails at was sent
	err    error
}

func (a *account) Prepare(context.Context) error { return a.err }

func (a *account) Censor(text string) string { return strings.ReplaceAll(text, s3cret, "[secret]") }

func (a *account) open(_ context.Context, zone delegation.Name) (hosted.Editor, error) {
	a.opened = append(a.opened, zone)
	return a, a.err
}

func (a *account) do(ctx context.Context, what string, rs []dns01.Record) error {
	for _, r := range rs {
		a.did = append(a.did, fmt.Sprintf("%s %s in %s: %s for %v", what, r.Owner, r.Zone, r.Value, r.TTL))
	}
	if a.sends {
		dns01.Written(ctx)
	}
	return a.err
}

func (a *account) Add(ctx context.Context, rs []dns01.Record) error { return a.do(ctx, "add", rs) }

func (a *account) Remove(ctx context.Context, rs []dns01.Record) error {
	return a.do(ctx, "remove", rs)
}

func (a *account) Look(_ context.Context, owner delegation.Name) error {
	a.did = append(a.did, "look "+owner.String())
	return a.err
}

func begin() (*account, *hosted.Provider) {
	a := new(account)
	return a, hosted.New("service key", scope, a, a.open)
}

func txt(name, value string) libdns.Record {
	return libdns.RR{Name: name, Type: "TXT", TTL: time.Minute, Data: value}
}

// A zone is found once, and records come to its editor with whole names.
func TestChange(t *testing.T) {
	a, p := begin()
	done, err := p.AppendRecords(t.Context(), zone.String(), []libdns.Record{txt("www.auth", "1"), txt("auth", "2")})
	if want := (libdns.TXT{Name: "www.auth", TTL: time.Minute, Text: "1"}); err != nil || len(done) != 2 || done[0] != libdns.Record(want) {
		t.Errorf("got %v and %v, want %v first", done, err, want)
	}
	if _, err := p.DeleteRecords(t.Context(), zone.String(), []libdns.Record{txt("auth", "2")}); err != nil {
		t.Error(err)
	}
	if err := p.Ping(t.Context(), zone, nil); err != nil {
		t.Error(err)
	}
	want := []string{
		"add www.auth.example.com. in example.com.: 1 for 1m0s", "add auth.example.com. in example.com.: 2 for 1m0s",
		"remove auth.example.com. in example.com.: 2 for 1m0s", "look example.com.",
	}
	if !slices.Equal(a.did, want) || !slices.Equal(a.opened, []delegation.Name{zone}) {
		t.Errorf("got %q in %v, want %q in one zone", a.did, a.opened, want)
	}
}

// Nothing outside of the scope comes to the service, not even the question for the
// zone.
func TestScope(t *testing.T) {
	a, p := begin()
	for _, r := range []libdns.Record{txt("www", "v"), txt("@", "v"), libdns.RR{Name: "auth", Type: "A", Data: "192.0.2.1"}} {
		if _, err := p.AppendRecords(t.Context(), zone.String(), []libdns.Record{txt("auth", "v"), r}); err == nil {
			t.Errorf("%v: got no error", r)
		}
		if _, err := p.DeleteRecords(t.Context(), zone.String(), []libdns.Record{r}); err == nil {
			t.Errorf("removal of %v: got no error", r)
		}
	}
	if _, err := p.AppendRecords(t.Context(), zone.String(), nil); err != nil {
		t.Errorf("nothing: got %v", err)
	}
	if a.did != nil || a.opened != nil {
		t.Errorf("got %q in %v, want nothing", a.did, a.opened)
	}
}

// A zone that is not found is looked for again, and it is known whether something
// is written.
func TestErrors(t *testing.T) {
	no := errors.New("no")
	for _, test := range []struct {
		sends bool
		opens int // after two tries
	}{{false, 2}, {true, 1}} {
		a, p := begin()
		if a.sends = test.sends; test.sends {
			if _, err := p.Editor(t.Context(), zone); err != nil {
				t.Fatal(err)
			}
		}
		a.err = no
		for range 2 {
			_, err := p.AppendRecords(t.Context(), zone.String(), []libdns.Record{txt("auth", "v")})
			_, nothing := errors.AsType[*dns01.UnwrittenError](err)
			if !errors.Is(err, no) || nothing == test.sends {
				t.Errorf("got %v, nothing written %t, want %t", err, nothing, !test.sends)
			}
		}
		if len(a.opened) != test.opens {
			t.Errorf("got %d looks for the zone, want %d", len(a.opened), test.opens)
		}
		if err := p.Prepare(t.Context()); !errors.Is(err, no) {
			t.Errorf("prepare: got %v, want %v", err, no)
		}
	}
}

func TestShown(t *testing.T) {
	_, p := begin()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, p); got != "service key" || p.Label() != got {
			t.Errorf("%s: got %s, want the label", verb, got)
		}
	}
}

// Each change is asked about until it has ended, less and less often, and then no
// more.
func TestPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p hosted.Pending
		p.Add("a")
		p.Add("b")
		asked := make(map[string]int)
		slow := func(_ context.Context, id string) (bool, error) {
			asked[id]++
			return asked[id] == 5, nil
		}
		began := time.Now()
		if err := p.Await(t.Context(), time.Second, 3*time.Second, slow); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 2*(1+2+3+3)*time.Second || asked["a"] != 5 || asked["b"] != 5 {
			t.Errorf("got %v after %v, want five questions each, after 1, 2, 3 and 3 s", asked, took)
		}
		if err := p.Await(t.Context(), time.Second, time.Second, slow); err != nil || asked["a"] != 5 {
			t.Errorf("again: got %v and %v, want no question", err, asked)
		}
	})
}

// An error ends it, and so does the caller's patience.
func TestPendingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p hosted.Pending
		no := errors.New("no")
		p.Add("a")
		if err := p.Await(t.Context(), 1, 1, func(context.Context, string) (bool, error) { return true, no }); !errors.Is(err, no) {
			t.Errorf("got %v, want %v", err, no)
		}
		p.Add("a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		never := func(context.Context, string) (bool, error) { return false, nil }
		if err := p.Await(ctx, time.Second, time.Hour, never); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
	})
}
