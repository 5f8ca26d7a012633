package delegation

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
)

// script is an Exchanger that plays one line a call.
type script struct {
	t     *testing.T
	lines []func(ctx context.Context, q *dns.Msg) (*dns.Msg, error)
	asked []*dns.Msg
}

func (s *script) ExchangeContext(ctx context.Context, q *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	if len(s.asked) == len(s.lines) {
		s.t.Errorf("question %d to %s was not expected", len(s.asked)+1, addr)
		return nil, 0, errors.New("not expected")
	}
	s.asked = append(s.asked, q)
	r, err := s.lines[len(s.asked)-1](ctx, q)
	return r, 0, err
}

func answer(change func(r *dns.Msg)) func(context.Context, *dns.Msg) (*dns.Msg, error) {
	return func(_ context.Context, q *dns.Msg) (*dns.Msg, error) {
		r := new(dns.Msg)
		r.SetReply(q)
		r.SetEdns0(1232, false)
		change(r)
		return r, nil
	}
}

func silent(ctx context.Context, _ *dns.Msg) (*dns.Msg, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func fails(err error) func(context.Context, *dns.Msg) (*dns.Msg, error) {
	return func(context.Context, *dns.Msg) (*dns.Msg, error) { return nil, err }
}

func honest(*dns.Msg)      {}
func truncated(r *dns.Msg) { r.Truncated = true }

type lines = []func(context.Context, *dns.Msg) (*dns.Msg, error)

var anyServer = netip.MustParseAddrPort("192.0.2.1:53")

func TestClientAsk(t *testing.T) {
	rcode := func(rcode int) func(*dns.Msg) { return func(r *dns.Msg) { r.Rcode = rcode } }
	for _, test := range []struct {
		name     string
		client   Client
		udp, tcp lines
		err      string
		takes    time.Duration
	}{
		{name: "an answer", udp: lines{answer(honest)}},
		{name: "an rcode is an answer", udp: lines{answer(rcode(dns.RcodeRefused))}},
		{name: "the question in lower case", udp: lines{answer(func(r *dns.Msg) { r.Question[0].Name = strings.ToLower(r.Question[0].Name) })}},
		{name: "an error without the question", udp: lines{answer(func(r *dns.Msg) { r.Rcode, r.Question = dns.RcodeServerFailure, nil })}},
		{name: "one packet lost", udp: lines{silent, answer(honest)}, takes: 3 * time.Second},
		{name: "two packets lost", udp: lines{silent, silent}, takes: 6 * time.Second, err: "gave no answer"},
		{name: "no retries", client: Client{Retries: -1, Timeout: time.Second}, udp: lines{silent}, takes: time.Second, err: "gave no answer"},
		{name: "more retries", client: Client{Retries: 2, Timeout: time.Second}, udp: lines{silent, silent, answer(honest)}, takes: 2 * time.Second},
		{name: "a refusal is not tried again", udp: lines{fails(errors.New("refused"))}, err: "sent nothing usable (refused)"},
		{name: "truncated", udp: lines{answer(truncated)}, tcp: lines{answer(honest)}},
		{name: "truncated, and TCP is dead", udp: lines{answer(truncated)}, tcp: lines{silent}, takes: 3 * time.Second,
			err: "sent an answer too long for UDP, and over TCP it gave no answer"},
		{name: "a server without EDNS", udp: lines{
			answer(func(r *dns.Msg) { r.Rcode, r.Extra = dns.RcodeFormatError, nil }),
			func(_ context.Context, q *dns.Msg) (*dns.Msg, error) {
				if q.IsEdns0() != nil {
					return nil, errors.New("EDNS again")
				}
				return answer(honest)(nil, q)
			}}},
		{name: "another question", udp: lines{answer(func(r *dns.Msg) { r.Question[0].Name = "example.net." })}, err: "sent nothing usable (it does not answer the question)"},
		{name: "another type", udp: lines{answer(func(r *dns.Msg) { r.Question[0].Qtype = dns.TypeA })}, err: "sent nothing usable (it does not answer the question)"},
		{name: "another id", udp: lines{answer(func(r *dns.Msg) { r.Id++ })}, err: "sent nothing usable (it does not answer the question)"},
		{name: "a question", udp: lines{answer(func(r *dns.Msg) { r.Response = false })}, err: "sent nothing usable (it does not answer the question)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				udp, tcp := &script{t: t, lines: test.udp}, &script{t: t, lines: test.tcp}
				test.client.UDP, test.client.TCP = udp, tcp
				start := time.Now()
				r, err := test.client.Ask(t.Context(), anyServer, "_acme-challenge.example.com.", dns.TypeTXT, false)
				want := ""
				if test.err != "" {
					want = "TXT of _acme-challenge.example.com.: 192.0.2.1 " + test.err
				}
				if errText(err) != want || (err == nil) != (r != nil) {
					t.Errorf("got %v, %v, want error %q", r, err, want)
				}
				var typed *Error
				if err != nil && !errors.As(err, &typed) {
					t.Errorf("got a %T, want an *Error", err)
				}
				if got := time.Since(start); got != test.takes {
					t.Errorf("took %v, want %v", got, test.takes)
				}
				if len(udp.asked) != len(test.udp) || len(tcp.asked) != len(test.tcp) {
					t.Errorf("got %d questions over UDP and %d over TCP, want %d and %d", len(udp.asked), len(tcp.asked), len(test.udp), len(test.tcp))
				}
			})
		})
	}
}

func TestClientQuestion(t *testing.T) {
	for _, recursion := range []bool{false, true} {
		upper, ids := 0, map[uint16]bool{}
		for range 50 {
			udp := &script{t: t, lines: lines{answer(honest)}}
			c := Client{UDP: udp}
			if _, err := c.Ask(t.Context(), anyServer, "_acme-challenge.example.com.", dns.TypeTXT, recursion); err != nil {
				t.Fatal(err)
			}
			q := udp.asked[0]
			if opt := q.IsEdns0(); opt == nil || opt.UDPSize() != 1232 || opt.Do() {
				t.Fatalf("got OPT %v, want a buffer of 1232", opt)
			}
			if q.RecursionDesired != recursion {
				t.Fatalf("got RD %t, want %t", q.RecursionDesired, recursion)
			}
			if strings.ContainsFunc(q.Question[0].Name, func(c rune) bool { return 'A' <= c && c <= 'Z' }) {
				upper++
			}
			ids[q.Id] = true
		}
		if upper < 40 || len(ids) < 40 {
			t.Errorf("of 50 questions %d have upper-case letters and %d an id of their own, want nearly all", upper, len(ids))
		}
	}
}

func TestClientCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c := Client{UDP: &script{t: t, lines: lines{silent}}}
		_, err := c.Ask(ctx, anyServer, "example.com.", dns.TypeTXT, false)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
	})
}

// A timeout of one server must not look like the caller's own.
func TestClientTimeoutIsTheServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Client{UDP: &script{t: t, lines: lines{silent, silent}}}
		_, err := c.Ask(t.Context(), anyServer, "example.com.", dns.TypeTXT, false)
		if errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v, want os.ErrDeadlineExceeded", err)
		}
	})
}

// The client's own sockets give up at once when the context is done.
func TestClientSocketCancelled(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		conn.ReadFrom(make([]byte, 512))
		cancel()
	}()
	start := time.Now()
	c := Client{Timeout: time.Minute}
	_, err = c.Ask(ctx, conn.LocalAddr().(*net.UDPAddr).AddrPort(), "example.com.", dns.TypeTXT, false)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("gave up after %v, want at once", d)
	}
}
