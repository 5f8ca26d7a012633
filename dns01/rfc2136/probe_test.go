package rfc2136_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/rfc2136"
	"certctl/lab/authority"
	"certctl/secret"
)

// A ping tells a key that is accepted from one that is not, whatever it may
// write, and changes nothing.
func TestPing(t *testing.T) {
	w := newWorld(t, "", "nowhere")
	for _, test := range []struct {
		name   string
		change func(*rfc2136.Config)
		fault  authority.Fault
		want   string
	}{
		{"accepted", func(*rfc2136.Config) {}, authority.Fault{}, ""},
		{"other secret", func(c *rfc2136.Config) { c.TSIG.Secret = secret.Plain(authority.NewKey("x").Secret) }, authority.Fault{}, "BADSIG"},
		{"other name", func(c *rfc2136.Config) { c.TSIG.Name = "unknown" }, authority.Fault{}, "BADKEY"},
		{"other clock", func(*rfc2136.Config) {}, authority.Fault{ClockAhead: 3600e9}, "BADTIME"},
		{"no updates", func(*rfc2136.Config) {}, authority.Fault{NoUpdates: true}, "REFUSED"},
	} {
		w.server.Fault(test.fault)
		err := w.provider(t, test.change).(dns01.Pinger).Ping(t.Context(), zone, nil)
		var refusal dns01.Refusal
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.want != "" && (!errors.As(err, &refusal) || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: got %v, want a refusal with %s", test.name, err, test.want)
		}
	}
	for _, u := range w.Updates() {
		if len(u.Added)+len(u.Removed) > 0 {
			t.Errorf("got an update that writes: %s", u)
		}
	}
}

// What is not an answer is no refusal.
func TestPingUnreachable(t *testing.T) {
	w := newWorld(t, "")
	w.server.Fault(authority.Fault{NoTCP: true})
	err := w.provider(t).(dns01.Pinger).Ping(t.Context(), zone, nil)
	var refusal dns01.Refusal
	if err == nil || errors.As(err, &refusal) {
		t.Errorf("got %v, want an error that is no refusal", err)
	}
}

// Each trial asks for one removal of a value that nobody has.
func TestProbeScope(t *testing.T) {
	all := []dns01.Reach{dns01.OtherNames, dns01.TheApex, dns01.NamesBelow, dns01.OtherTypes}
	for _, test := range []struct {
		name     string
		owners   []string
		owner    delegation.Name
		tried    []dns01.Reach
		accepted []dns01.Reach
	}{
		{"whole zone", nil, "a." + zone, all, all},
		{"exact name", []string{"a"}, "a." + zone, all, nil},
		{"apex only", []string{"@"}, zone, []dns01.Reach{dns01.OtherNames, dns01.OtherTypes}, nil},
		{"apex too", []string{"@", "a"}, "a." + zone, all, []dns01.Reach{dns01.TheApex}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, `a TXT "kept"`+"\na A 192.0.2.1\n@ TXT \"kept\"", test.owners...)
			before := w.zone.Records()
			b, err := w.provider(t).(dns01.ScopeProber).ProbeScope(t.Context(), zone, test.owner)
			if err != nil {
				t.Fatal(err)
			}
			var tried, accepted []dns01.Reach
			for _, trial := range b.Trials {
				tried = append(tried, trial.Reach)
				if trial.Accepted == trial.Refused {
					t.Errorf("%s: got accepted %t and refused %t", trial.Question, trial.Accepted, trial.Refused)
				}
			}
			for _, trial := range b.Wide() {
				accepted = append(accepted, trial.Reach)
			}
			if !slices.Equal(tried, test.tried) || !slices.Equal(accepted, test.accepted) {
				t.Errorf("got %q accepted of %q, want %q of %q", accepted, tried, test.accepted, test.tried)
			}
			if b.Serial[0] == 0 || b.Serial[0] != b.Serial[1] {
				t.Errorf("got serials %v, want the same twice", b.Serial)
			}
			if after := w.zone.Records(); !slices.Equal(before, after) {
				t.Errorf("got records %q, want %q as before", after, before)
			}
			for _, u := range w.Updates() {
				if len(u.Added) > 0 || len(u.Removed) != 1 || strings.HasSuffix(u.Removed[0], " ANY") || strings.Contains(u.Removed[0], "kept") {
					t.Errorf("got %s, want the removal of one value", u)
				}
			}
		})
	}
}

// An answer that is neither yes nor no says nothing about the key.
func TestProbeScopeUnclear(t *testing.T) {
	p := odd(t, func(q *dns.Msg) *dns.Msg { return reply(q, dns.RcodeServerFailure) })
	b, err := p.(dns01.ScopeProber).ProbeScope(t.Context(), zone, "a."+zone)
	if err != nil {
		t.Fatal(err)
	}
	for _, trial := range b.Trials {
		if trial.Accepted || trial.Refused || trial.Answer != "SERVFAIL" {
			t.Errorf("%s: got %+v, want neither yes nor no", trial.Question, trial)
		}
	}
}

// Knot refuses with NOTAUTH what BIND refuses with REFUSED.
func TestProbeScopeNotAuth(t *testing.T) {
	for code, want := range map[int]string{dns.RcodeNotAuth: "NOTAUTH", dns.RcodeRefused: "REFUSED"} {
		p := odd(t, func(q *dns.Msg) *dns.Msg { return reply(q, code) })
		b, err := p.(dns01.ScopeProber).ProbeScope(t.Context(), zone, "a."+zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, trial := range b.Trials {
			if !trial.Refused || trial.Answer != want {
				t.Errorf("%s: got %+v, want it refused with %s", trial.Question, trial, want)
			}
		}
	}
}

// A provider tries nothing in zones that its scope does not lie in.
func TestProbeOutsideScope(t *testing.T) {
	w := newWorld(t, "")
	p := w.provider(t)
	var refused *dns01.ScopeError
	if err := p.(dns01.Pinger).Ping(t.Context(), "example.com.", nil); !errors.As(err, &refused) {
		t.Errorf("Ping: got %v, want a ScopeError", err)
	}
	if _, err := p.(dns01.ScopeProber).ProbeScope(t.Context(), "example.com.", "a.example.com."); !errors.As(err, &refused) {
		t.Errorf("ProbeScope: got %v, want a ScopeError", err)
	}
	if n := len(w.Updates()); n > 0 {
		t.Errorf("got %d updates, want none", n)
	}
}

// The longest owner has no room for a name below it.
func TestProbeLongOwner(t *testing.T) {
	w := newWorld(t, "")
	label := strings.Repeat("x", 60) + "."
	owner := delegation.Name(label + label + label + "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy." + zone)
	b, err := w.provider(t).(dns01.ScopeProber).ProbeScope(t.Context(), zone, owner)
	if err != nil || len(b.Trials) != 3 {
		t.Errorf("got %d trials, %v, want 3: none below the owner", len(b.Trials), err)
	}
}
