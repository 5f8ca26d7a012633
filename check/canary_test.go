package check

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/lab/authority"
)

// wildcardToo asks for a name and its wildcard, whose records have one owner.
func wildcardToo(b *bench) { b.names = []Name{{Domain: domain}, {Domain: "*." + domain}} }

// A canary is written once for each owner, seen at every server, and removed.
func TestCanary(t *testing.T) {
	b := newBench(t, wildcardToo)
	l := &ledger{}
	b.checker.Journal = l
	r := b.check(t)
	fs := r.found("canary")
	if len(fs) != 1 || len(fs[0].Evidence) != 2 || r.Count(Error) > 0 {
		t.Fatalf("got %v, want one canary that two servers have had:\n%s", fs, r)
	}
	if l.added != 1 || len(l.left) != 0 {
		t.Errorf("got %d journaled and %d left, want 1 and 0", l.added, len(l.left))
	}
	if value := l.valuesByOwner[owner]; len(value) != 43 {
		t.Errorf("got a value of %d characters, want 43 as a CA's", len(value))
	}
	var written []string
	for _, u := range b.Updates() {
		written = append(written, u.Added...)
	}
	if len(written) != 1 || !strings.Contains(written[0], l.valuesByOwner[owner]) {
		t.Errorf("got %q written, want what was journaled", written)
	}
	if left := b.auth.Records("TXT"); len(left) > 0 {
		t.Errorf("got %q left, want nothing", left)
	}
}

// Without a journal, nothing is written at all.
func TestNothingIsWritten(t *testing.T) {
	b := newBench(t, func(b *bench) { broadKey(b); wildcardToo(b) })
	b.auth.Records()
	r := b.check(t)
	if n := len(r.found("canary")); n > 0 {
		t.Errorf("got %d canaries, want none", n)
	}
	for _, u := range b.Updates() {
		if len(u.Added) > 0 || len(u.Removed) > 1 {
			t.Errorf("got an update that writes: %s", u)
		}
	}
	if records := b.auth.Records("TXT", "AAAA"); len(records) > 0 {
		t.Errorf("got records %q, want none", records)
	}
	if soa := b.auth.Records("SOA"); !strings.Contains(soa[0], " 1 3600 ") {
		t.Errorf("got %s, want the serial as it was", soa)
	}
}

// A server that never has the record is named, and the record removed.
func TestCanaryLost(t *testing.T) {
	b := newBench(t, nil)
	b.Server(ns2Auth).Lag(authority.Never)
	l := &ledger{}
	b.checker.Journal = l
	fs := b.check(t).found("canary-failed")
	if len(fs) != 1 || !strings.Contains(fs[0].Text, "ns2.auth.example.net.") || fs[0].Remedy == "" {
		t.Errorf("got %v, want that ns2.auth.example.net does not have it", fs)
	}
	if len(l.left) != 0 || len(b.auth.Records("TXT")) > 0 {
		t.Errorf("got %d journaled and records %q left, want nothing", len(l.left), b.auth.Records("TXT"))
	}
}

// What is not in the journal is not written.
func TestCanaryUnjournaled(t *testing.T) {
	b := newBench(t, nil)
	b.checker.Journal = &ledger{failAdd: errors.New("disk full")}
	fs := b.check(t).found("canary-failed")
	if len(fs) != 1 || !strings.Contains(fs[0].Text, "disk full") {
		t.Errorf("got %v, want that the disk is full", fs)
	}
	if slices.ContainsFunc(b.Updates(), func(u authority.Update) bool { return len(u.Added) > 0 }) {
		t.Error("got a record written that was not journaled")
	}
}

// onTXT calls back when a question for TXT records is put to a server.
type onTXT struct {
	next delegation.Exchanger
	addr string
	call func()
}

func (o onTXT) ExchangeContext(ctx context.Context, m *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	if addr == o.addr && m.Question[0].Qtype == dns.TypeTXT {
		o.call()
	}
	return o.next.ExchangeContext(ctx, m, addr)
}

// What cannot be removed stays in the journal, and is said.
func TestCanaryStays(t *testing.T) {
	b := newBench(t, nil)
	l := &ledger{}
	b.checker.Journal = l
	b.client.UDP = onTXT{&dns.Client{Net: "udp"}, b.Server(ns2Auth).Addr().String(), func() {
		if len(b.auth.Records("TXT")) > 0 {
			b.Server(ns1Auth).Fault(authority.Fault{NoUpdates: true})
		}
	}}
	r := b.check(t)
	if len(r.found("canary-left")) != 1 || len(l.left) != 1 {
		t.Errorf("got %d journaled, want the one that was left:\n%s", len(l.left), r)
	}
}

// When the check is interrupted while the canary is out, it is removed too.
func TestCanaryInterrupted(t *testing.T) {
	b := newBench(t, nil)
	b.Server(ns2Auth).Lag(authority.Never)
	l := &ledger{}
	b.checker.Journal = l
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.client.UDP = onTXT{&dns.Client{Net: "udp"}, b.Server(ns2Auth).Addr().String(), func() {
		if len(b.auth.Records("TXT")) > 0 {
			cancel()
		}
	}}
	r, err := b.checker.Check(ctx, b.names)
	if !errors.Is(err, context.Canceled) || r.Count(Error) > 0 {
		t.Errorf("got %v, want that it was interrupted, and no error of the DNS:\n%s", err, r)
	}
	if l.added != 1 || len(l.left) > 0 || len(b.auth.Records("TXT")) > 0 {
		t.Errorf("got %d journaled, %d left and records %q, want 1 and nothing left", l.added, len(l.left), b.auth.Records("TXT"))
	}
}
