package caa_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"certctl/caa"
	"certctl/delegation"
	"certctl/lab/authority"
)

// finder returns a finder in a world, without sockets.
func finder(w *authority.World) *caa.Finder {
	client := &delegation.Client{UDP: w.UDP(), TCP: w.TCP()}
	return &caa.Finder{Client: client, Resolver: delegation.NewResolver(delegation.Options{
		Recursive: []netip.AddrPort{w.Recursor().Addr()}, Port: w.Port(), Client: client,
	})}
}

// world has example.com and example.net, and CAA records in many places.
func world() *authority.World {
	w := authority.New()
	w.Zone("com.", `@ CAA 0 issue "tld.test"`, "a.gtld-servers.net.")
	w.Zone("net.", "", "a.gtld-servers.net.")
	w.Zone("example.com.", `
		@        CAA 0 issue "apex.test"
		own      CAA 0 issue "own.test"
		alias    CNAME bound.example.net.
		free     CNAME free.example.net.
		deep.own A   192.0.2.1
		www      A   192.0.2.1
	`, "ns1.example.com.", "ns2.example.com.")
	w.Zone("unbound.com.", "", "ns1.example.com.")
	w.Zone("example.net.", `
		bound CAA 0 issue "net.test"
		free  A   192.0.2.1
	`, "ns1.example.net.")
	return w
}

func TestFind(t *testing.T) {
	for _, test := range []struct {
		domain, name, value string
	}{
		{"own.example.com.", "own.example.com.", "own.test"},
		{"deep.own.example.com.", "own.example.com.", "own.test"},
		{"www.example.com.", "example.com.", "apex.test"},          // NODATA climbs
		{"not.there.example.com.", "example.com.", "apex.test"},    // NXDOMAIN climbs
		{"alias.example.com.", "alias.example.com.", "net.test"},   // at the end of an alias
		{"x.alias.example.com.", "alias.example.com.", "net.test"}, // also on the way up
		{"free.example.com.", "example.com.", "apex.test"},         // an alias does not move the climb
		{"www.unbound.com.", "com.", "tld.test"},
		{"www.example.net.", "", ""},
	} {
		set, err := finder(world()).Find(t.Context(), delegation.Name(test.domain))
		if err != nil {
			t.Errorf("%s: %v", test.domain, err)
			continue
		}
		var value string
		if len(set.Records) > 0 {
			value = set.Records[0].Value
		}
		if string(set.Name) != test.name || value != test.value {
			t.Errorf("%s: got %q at %q, want %q at %q", test.domain, value, set.Name, test.value, test.name)
		}
	}
}

// answerCAA makes a server answer questions for CAA records with an rcode.
func answerCAA(rcode int) authority.Fault {
	return authority.Fault{Lie: func(q *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype != dns.TypeCAA {
			return nil
		}
		return new(dns.Msg).SetRcode(q, rcode)
	}}
}

// One server that cannot answer is remembered; all of them are an error, and
// never "there is no record".
func TestFindUnanswered(t *testing.T) {
	for name, rcode := range map[string]int{"SERVFAIL": dns.RcodeServerFailure, "NOTIMP": dns.RcodeNotImplemented, "REFUSED": dns.RcodeRefused} {
		w := world()
		w.Server("ns2.example.com.").Fault(answerCAA(rcode))
		set, err := finder(w).Find(t.Context(), "www.example.com.")
		if err != nil || set.Name != "example.com." {
			t.Errorf("%s from one: got %q, %v, want example.com.", name, set.Name, err)
		}
		failed := 0
		for _, a := range set.Answers {
			if a.Err != nil {
				failed++
				if a.Err.Rcode != rcode || a.Server != "ns2.example.com." {
					t.Errorf("got %v from %s, want %s from ns2.example.com.", a.Err, a.Server, name)
				}
			}
		}
		if failed != 2 { // www.example.com and example.com
			t.Errorf("%s from one: got %d failures, want 2", name, failed)
		}

		w.Server("ns1.example.com.").Fault(answerCAA(rcode))
		_, err = finder(w).Find(t.Context(), "www.example.com.")
		var unanswered *delegation.ServersError
		if !errors.As(err, &unanswered) || unanswered.Zone != "example.com." || len(unanswered.Errs) != 2 {
			t.Errorf("%s from all: got %v, want a ServersError of example.com. with two answers", name, err)
		}
	}
}

// What a server says without authority does not count.
func TestFindLame(t *testing.T) {
	w := world()
	lie := func(q *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype != dns.TypeCAA {
			return nil
		}
		m := new(dns.Msg).SetReply(q)
		rr, _ := dns.NewRR(q.Question[0].Name + ` CAA 0 issue "liar.test"`)
		m.Answer = []dns.RR{rr}
		return m
	}
	w.Server("ns2.example.com.").Fault(authority.Fault{Lie: lie})
	set, err := finder(w).Find(t.Context(), "www.example.com.")
	if err != nil || set.Name != "example.com." || set.Records[0].Value != "apex.test" {
		t.Errorf("got %v, %v, want what has authority", set, err)
	}
}

// Where aliases go in a circle, no CA issues.
func TestFindLoop(t *testing.T) {
	w := authority.New()
	w.Zone("example.com.", "a CNAME b\nb CNAME a", "ns1.example.com.")
	_, err := finder(w).Find(t.Context(), "a.example.com.")
	var loop *delegation.AliasError
	if !errors.As(err, &loop) {
		t.Errorf("got %v, want an AliasError", err)
	}
}

// A name is asked for once, however many names lie below it.
func TestFindOnce(t *testing.T) {
	w := world()
	f := finder(w)
	for _, name := range []delegation.Name{"a.example.com.", "b.example.com.", "c.example.com."} {
		if _, err := f.Find(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	asked := 0
	for _, q := range w.Server("ns1.example.com.").Queries() {
		if q.Type == "CAA" {
			asked++
		}
	}
	if asked != 4 {
		t.Errorf("got %d questions for CAA records, want one for each of 4 names", asked)
	}
}

func TestFindInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := finder(world()).Find(ctx, "www.example.com."); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was interrupted", err)
	}
}
