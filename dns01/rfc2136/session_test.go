package rfc2136_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libdns/libdns"
	"github.com/miekg/dns"

	"certctl/dns01"
	"certctl/dns01/rfc2136"
	"certctl/secret"
)

const oddSecret = "b2RkIHNlY3JldA=="

// odd starts a TCP server that does what handle says, and returns a provider
// that writes there with the key odd. A nil answer closes the connection.
func odd(t *testing.T, handle func(q *dns.Msg) *dns.Msg) dns01.Provider {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{
		Listener: l, TsigSecret: map[string]string{"odd.": oddSecret},
		MsgAcceptFunc: func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept },
		Handler: dns.HandlerFunc(func(rw dns.ResponseWriter, q *dns.Msg) {
			if m := handle(q); m != nil {
				rw.WriteMsg(m)
				return
			}
			rw.Close()
		}),
	}
	started, ended := make(chan struct{}), make(chan struct{})
	s.NotifyStartedFunc = func() { close(started) }
	go func() { s.ActivateAndServe(); close(ended) }()
	<-started
	t.Cleanup(func() { s.Shutdown(); <-ended })
	p, err := rfc2136.New(rfc2136.Config{
		Server: l.Addr().String(), Timeout: 2 * time.Second,
		TSIG: rfc2136.TSIG{Name: "odd", Secret: secret.Plain(oddSecret)},
	}, zone, dns01.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// reply returns a signed answer, with TXT records.
func reply(q *dns.Msg, rcode int, values ...string) *dns.Msg {
	m := new(dns.Msg).SetRcode(q, rcode)
	m.Authoritative = true
	for _, v := range values {
		m.Answer = append(m.Answer, &dns.TXT{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60}, Txt: []string{v}})
	}
	if q.IsTsig() != nil {
		m.SetTsig("odd.", dns.HmacSHA256, 300, time.Now().Unix())
	}
	return m
}

func isUpdate(q *dns.Msg) bool { return q.Opcode == dns.OpcodeUpdate }

// A server that does the update a moment after it answered.
func TestLateServer(t *testing.T) {
	var looks atomic.Int32
	p := odd(t, func(q *dns.Msg) *dns.Msg {
		if isUpdate(q) {
			return reply(q, dns.RcodeSuccess)
		}
		if looks.Add(1) < 5 {
			return reply(q, dns.RcodeNameError)
		}
		return reply(q, dns.RcodeSuccess, "v")
	})
	if _, err := p.AppendRecords(t.Context(), zone, []libdns.Record{txt("a", "v")}); err != nil {
		t.Error(err)
	}
}

// A server that is busy for a moment when it is sent the update; one that is for
// ever is believed.
func TestBusyServer(t *testing.T) {
	for _, test := range []struct{ failures, updates int32 }{{2, 3}, {100, 4}} {
		var updates atomic.Int32
		p := odd(t, func(q *dns.Msg) *dns.Msg {
			switch {
			case !isUpdate(q) && updates.Load() <= test.failures:
				return reply(q, dns.RcodeNameError)
			case !isUpdate(q):
				return reply(q, dns.RcodeSuccess, "v")
			case updates.Add(1) <= test.failures:
				return reply(q, dns.RcodeServerFailure)
			}
			return reply(q, dns.RcodeSuccess)
		})
		_, err := p.AppendRecords(t.Context(), zone, []libdns.Record{txt("a", "v")})
		if refused, ok := errors.AsType[*rfc2136.UpdateError](err); test.failures > test.updates && (!ok || refused.Rcode != dns.RcodeServerFailure) || test.failures < test.updates && err != nil {
			t.Errorf("%d failures: got %v", test.failures, err)
		}
		if got := updates.Load(); got != test.updates {
			t.Errorf("%d failures: got %d updates, want %d", test.failures, got, test.updates)
		}
	}
}

// A server that closes the connection after every few answers.
func TestHangUps(t *testing.T) {
	var n atomic.Int32
	p := odd(t, func(q *dns.Msg) *dns.Msg {
		switch {
		case n.Add(1)%4 == 0:
			return nil
		case isUpdate(q):
			return reply(q, dns.RcodeSuccess)
		}
		return reply(q, dns.RcodeSuccess, "v")
	})
	var records []libdns.Record
	for i := range 20 {
		records = append(records, txt(fmt.Sprintf("n%d", i), "v"))
	}
	if _, err := p.AppendRecords(t.Context(), zone, records); err != nil {
		t.Error(err)
	}
}

// The update was done and its answer lost: what the server has decides.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		done bool
		want string
	}{{true, "<nil>"}, {false, "it closed the connection without an answer"}} {
		var updates atomic.Int32
		p := odd(t, func(q *dns.Msg) *dns.Msg {
			switch {
			case isUpdate(q):
				updates.Add(1)
				return nil
			case updates.Load() > 0 && test.done:
				return reply(q, dns.RcodeSuccess, "v")
			}
			return reply(q, dns.RcodeNameError)
		})
		_, err := p.AppendRecords(t.Context(), zone, []libdns.Record{txt("a", "v")})
		if !strings.HasSuffix(fmt.Sprint(err), test.want) {
			t.Errorf("done %t: got %v, want %s", test.done, err, test.want)
		}
	}
}

// Who cannot sign may not say that all went well.
func TestUnsignedAnswer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		spoil func(m *dns.Msg)
		want  string
	}{
		{"unsigned", func(m *dns.Msg) { m.Extra = nil }, "the answer to the update is not signed"},
		{"other key", func(m *dns.Msg) { m.IsTsig().Algorithm = dns.HmacSHA512 }, "the answer's signature: dns: no secrets defined"},
		{"old", func(m *dns.Msg) { m.IsTsig().TimeSigned -= 3600 }, "the answer's signature: dns: bad time"},
	}
	for _, test := range tests {
		p := odd(t, func(q *dns.Msg) *dns.Msg {
			if !isUpdate(q) {
				return reply(q, dns.RcodeNameError)
			}
			m := reply(q, dns.RcodeSuccess)
			test.spoil(m)
			return m
		})
		_, err := p.AppendRecords(t.Context(), zone, []libdns.Record{txt("a", "v")})
		if !strings.HasSuffix(fmt.Sprint(err), test.want) {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
}

// Knot answers signed questions about zones in which the key has no rights
// with NOTAUTH. The same question without a signature shows the cut.
func TestRefusedSignedQuery(t *testing.T) {
	p := odd(t, func(q *dns.Msg) *dns.Msg {
		switch {
		case isUpdate(q):
			t.Error("got an update, want none below a cut")
			return nil
		case q.IsTsig() != nil:
			return new(dns.Msg).SetRcode(q, dns.RcodeNotAuth)
		}
		m := reply(q, dns.RcodeNameError)
		m.Ns = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: "Child.auth.example.net.", Rrtype: dns.TypeSOA, Class: dns.ClassINET}, Ns: ".", Mbox: "."}}
		return m
	})
	_, err := p.AppendRecords(t.Context(), zone, []libdns.Record{txt("a.child", "v")})
	var swallowed *rfc2136.SwallowedError
	if !errors.As(err, &swallowed) || swallowed.Cut != "child.auth.example.net." {
		t.Errorf("got %v, want an error about the cut at child.auth.example.net.", err)
	}
}

// Knot since 3.4 says NOTAUTH, unsigned, to an update with a key that may not
// write, and to one of a zone that it does not have.
func TestNotAuth(t *testing.T) {
	for served, want := range map[bool]string{true: "it does not know the key odd with", false: "or does not serve it"} {
		p := odd(t, func(q *dns.Msg) *dns.Msg {
			m := reply(q, dns.RcodeNotAuth)
			if served && q.IsTsig() == nil {
				m.Rcode = dns.RcodeSuccess
				m.Answer = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: zone, Rrtype: dns.TypeSOA, Class: dns.ClassINET}, Ns: ".", Mbox: "."}}
			}
			return m
		})
		for _, err := range []error{p.(dns01.Pinger).Ping(t.Context(), zone, nil), appended(t, p)} {
			if !strings.Contains(fmt.Sprint(err), want) {
				t.Errorf("served %v: got %v, want %q in it", served, err, want)
			}
		}
	}
}

// A child zone at the same server that has other values at the owner: only its
// SOA record shows the cut.
func TestHiddenCut(t *testing.T) {
	t.Parallel()
	p := odd(t, func(q *dns.Msg) *dns.Msg {
		if q.Question[0].Qtype == dns.TypeSOA && !isUpdate(q) {
			m := reply(q, dns.RcodeSuccess)
			m.Answer = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: "child.auth.example.net.", Rrtype: dns.TypeSOA, Class: dns.ClassINET}, Ns: ".", Mbox: "."}}
			return m
		}
		return reply(q, dns.RcodeSuccess, "other")
	})
	_, err := p.AppendRecords(t.Context(), zone, []libdns.Record{txt("child", "v")})
	var swallowed *rfc2136.SwallowedError
	if !errors.As(err, &swallowed) || swallowed.Cut != "child.auth.example.net." {
		t.Errorf("got %v, want an error about the cut at child.auth.example.net.", err)
	}
}

func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p, err := rfc2136.New(rfc2136.Config{
		Server: l.Addr().String(), Timeout: 100 * time.Millisecond,
		TSIG: rfc2136.TSIG{Name: "odd", Secret: secret.Plain(oddSecret)},
	}, zone, dns01.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.AppendRecords(t.Context(), zone, []libdns.Record{txt("a", "v")})
	if want := fmt.Sprintf("server %v: no answer in time", l.Addr()); fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = p.AppendRecords(ctx, zone, []libdns.Record{txt("a", "v")}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v, want %v", err, context.Canceled)
	}
}

func appended(t *testing.T, p dns01.Provider) error {
	_, err := p.AppendRecords(t.Context(), zone, []libdns.Record{txt("a", "v")})
	return err
}
