package access_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"certctl/delegation"
	"certctl/nameserver/access"
	"certctl/nameserver/values"
)

const (
	zone  delegation.Name = "auth.example.net."
	web   delegation.Name = "web.auth.example.net."
	value                 = "LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM"
)

func TestCovers(t *testing.T) {
	k := &access.Key{Names: []delegation.Name{web}, Subtrees: []delegation.Name{"hosts.auth.example.net."}}
	for name, want := range map[delegation.Name]bool{
		web:                               true,
		"a.web.auth.example.net.":         false,
		"hosts.auth.example.net.":         true,
		"a.b.hosts.auth.example.net.":     true,
		"ahosts.auth.example.net.":        false,
		zone:                              false,
		"web.auth.example.net.evil.test.": false,
	} {
		if got := k.Covers(name); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

// desk returns a desk with a store, and the log that it writes.
func desk(t *testing.T) (*access.Desk, *values.Store, *bytes.Buffer) {
	s, err := values.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	var log bytes.Buffer
	return access.NewDesk(s, slog.New(slog.NewTextHandler(&log, nil))), s, &log
}

func visit(k *access.Key) access.Visit {
	return access.Visit{Key: k, Way: "test", From: netip.MustParseAddr("192.0.2.7")}
}

func put(owner delegation.Name, text string) access.Request {
	return access.Request{Zone: zone, Put: []values.Value{{Owner: owner, Text: text}}}
}

func TestDesk(t *testing.T) {
	d, s, log := desk(t)
	k := &access.Key{ID: "tsig web", Names: []delegation.Name{web}}
	if err := d.Do(t.Context(), visit(k), put(web, value)); err != nil {
		t.Fatal(err)
	}
	got := s.At(zone, web)
	if len(got) != 1 || got[0].Key != k.ID || time.Until(got[0].Expires).Round(time.Minute) != time.Hour {
		t.Errorf("got %v, want one value of %s for an hour", got, k.ID)
	}
	for _, want := range []string{`msg="value set"`, `key="tsig web"`, "from=192.0.2.7", "way=test", "name=web.auth.example.net", "value=" + value} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log: got %s, want %s in it", log, want)
		}
	}
	other := &access.Key{ID: "tsig other", Names: k.Names}
	if err := d.Do(t.Context(), visit(other), access.Request{Zone: zone, Remove: []values.Value{{Owner: web, Text: value}}}); err != nil {
		t.Fatal(err)
	}
	if got := s.At(zone, web); len(got) != 1 {
		t.Errorf("after a removal by another key: got %v, want the value", got)
	}
	if strings.Contains(log.String(), "value removed") {
		t.Errorf("log: got %s, want nothing of a value that stays", log)
	}
	for range 2 {
		if err := d.Do(t.Context(), visit(k), access.Request{Zone: zone, Remove: []values.Value{{Owner: web, Text: value}}}); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "value removed"); n != 1 || len(s.At(zone, web)) > 0 {
		t.Errorf("log: got %d removals of one value, want 1: %s", n, log)
	}
}

func TestDeskRefuses(t *testing.T) {
	d, s, log := desk(t)
	near := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	narrow := &access.Key{ID: "narrow", Names: []delegation.Name{web}}
	for name, c := range map[string]struct {
		key     *access.Key
		request access.Request
		want    string
	}{
		"name":       {narrow, put("www.auth.example.net.", value), "narrow has no right to www.auth.example.net"},
		"one of two": {narrow, access.Request{Zone: zone, Put: put(web, value).Put, Remove: []values.Value{{Owner: zone}}}, "narrow has no right to auth.example.net"},
		"zone":       {narrow, access.Request{Zone: "example.org.", Put: put(web, value).Put}, "narrow has no right to web.auth.example.net"},
		"value":      {narrow, put(web, "hunter2"), "the value for web.auth.example.net is not one of a challenge, which has 43 characters of base64url"},
		"address":    {&access.Key{ID: "far", Names: narrow.Names, From: near}, put(web, value), "far may not be used from 192.0.2.7"},
	} {
		err := d.Do(t.Context(), visit(c.key), c.request)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	if got := s.At(zone, web); len(got) > 0 {
		t.Errorf("got %v, want nothing", got)
	}
	if strings.Contains(log.String(), "hunter2") {
		t.Errorf("the log shows what is no value of a challenge: %s", log)
	}
}

// Whoever is denied a thousand times does not fill the log.
func TestDenials(t *testing.T) {
	d, _, log := desk(t)
	counted := 0
	d.Count = func(way, result string) { counted++ }
	for range 1000 {
		d.Failed(t.Context(), "(unknown)", "update", netip.MustParseAddr("192.0.2.1"), "BADKEY")
	}
	if got := strings.Count(log.String(), "access denied"); got < 100 || got > 200 || counted != 1000 {
		t.Errorf("got %d lines and %d counted, want some 100 and 1000", got, counted)
	}
}

func TestAnyValue(t *testing.T) {
	d, s, _ := desk(t)
	k := &access.Key{ID: "k", Subtrees: []delegation.Name{zone}, AnyValue: true}
	if err := d.Do(t.Context(), visit(k), put(web, "v=spf1 -all")); err != nil || len(s.At(zone, web)) != 1 {
		t.Errorf("got %v and %v, want the value", err, s.At(zone, web))
	}
	var refused *values.RefusedError
	if err := d.Do(t.Context(), visit(k), put(web, strings.Repeat("x", 300))); !errors.As(err, &refused) {
		t.Errorf("300 octets: got %v, want a RefusedError", err)
	}
}

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g access.Gate
		evil, host := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("192.0.2.1")
		g.Passed(host, "alice")
		for range 9 {
			g.Failed(evil, "alice")
		}
		if !g.LockedUntil(evil, "alice").IsZero() {
			t.Error("after 9 failures: got locked out")
		}
		g.Failed(netip.MustParseAddr("2001:db8::2"), "bob") // of the same /64
		if got := time.Until(g.LockedUntil(evil, "carol")); got != time.Minute {
			t.Errorf("after 10 failures: got %v, want a minute", got)
		}
		time.Sleep(time.Minute)
		if !g.LockedUntil(evil, "alice").IsZero() {
			t.Error("a minute later: got locked out")
		}
		g.Failed(evil, "alice")
		if got := time.Until(g.LockedUntil(evil, "alice")); got != 2*time.Minute {
			t.Errorf("after 11 failures: got %v, want two minutes", got)
		}
		for n := range 30 {
			g.Failed(netip.AddrFrom4([4]byte{203, 0, 113, byte(n)}), "alice")
		}
		elsewhere := netip.MustParseAddr("198.51.100.1")
		if g.LockedUntil(elsewhere, "alice").IsZero() {
			t.Error("a user whom many addresses failed to be: got not locked out")
		}
		if !g.LockedUntil(host, "alice").IsZero() || !g.LockedUntil(elsewhere, "bob").IsZero() {
			t.Error("got the user locked out of his own host, or another user")
		}
		time.Sleep(3 * time.Hour)
		g.Failed(elsewhere, "alice")
		if !g.LockedUntil(elsewhere, "alice").IsZero() || !g.LockedUntil(evil, "alice").IsZero() {
			t.Error("hours later: got old failures counted")
		}
	})
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &access.Rate{PerSecond: 2, Burst: 3}
		a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
		for n := range 3 {
			if _, ok := r.Allow(a); !ok {
				t.Errorf("request %d: got refused", n+1)
			}
		}
		if wait, ok := r.Allow(a); ok || wait != time.Second/2 {
			t.Errorf("request 4: got %v after %v, want none for half a second", ok, wait)
		}
		if _, ok := r.Allow(b); !ok {
			t.Error("another address: got refused")
		}
		time.Sleep(time.Second)
		for n, want := range []bool{true, true, false} {
			if _, ok := r.Allow(a); ok != want {
				t.Errorf("a second later, request %d: got %v, want %v", n+1, ok, want)
			}
		}
	})
}

func TestDigest(t *testing.T) {
	d := access.NewDigest("s3cret")
	if !d.Matches("s3cret") || d.Matches("s3cre") || d.Matches("") || access.Nobody("") {
		t.Error("a digest does not tell passwords apart")
	}
	if strings.Contains(fmt.Sprintf("%s%x", d.Sum, d.Sum), "s3cret") || bytes.Equal(d.Sum, access.NewDigest("s3cret").Sum) {
		t.Error("a digest shows the password, or that two are the same")
	}
}
