package cli

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/lab/authority"
	"certctl/trace"
)

// watched is a tracer of one name in a world, of whose two servers the second
// refuses for so long.
func watched(out *bytes.Buffer, refuses time.Duration) *tracer {
	w := authority.New()
	w.Zone("example.com.", "_acme-challenge.loop CNAME _acme-challenge.loop", "ns1.example.com.", "ns2.example.com.")
	second := w.Server("ns2.example.com.").Fault(authority.Fault{Refuse: true})
	time.AfterFunc(refuses, func() { second.Fault(authority.Fault{}) })
	return &tracer{
		options: delegation.Options{
			Recursive: []netip.AddrPort{w.Recursor().Addr()},
			Client:    &delegation.Client{UDP: w.UDP(), TCP: w.TCP()},
		},
		queries: []trace.Query{{Name: "example.com", Challenge: "_acme-challenge.example.com."}},
		draw:    trace.Tree,
		out:     out,
	}
}

// Watching ends as soon as all is right. On a terminal each look is drawn in
// the place of the last one, elsewhere only what is new.
func TestWatch(t *testing.T) {
	for _, test := range []struct {
		terminal         bool
		pictures, clears int
	}{{false, 2, 0}, {true, 4, 4}} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			w := watched(&out, 25*time.Second)
			w.redraw = test.terminal
			began := time.Now()
			if err := w.watch(t.Context(), 10*time.Second); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took < 30*time.Second || took > 31*time.Second {
				t.Errorf("took %v, want 30 s", took)
			}
			if got := strings.Count(out.String(), "example.com\n.\n"); got != test.pictures {
				t.Errorf("got %d pictures, want %d:\n%s", got, test.pictures, &out)
			}
			if got := strings.Count(out.String(), clear); got != test.clears {
				t.Errorf("the screen was cleared %d times, want %d", got, test.clears)
			}
			if !strings.HasSuffix(out.String(), "2 servers agree\n") {
				t.Errorf("got\n%s\nwant it to end well", &out)
			}
		})
	}
}

func TestWatchInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		err := watched(new(bytes.Buffer), time.Hour).watch(ctx, 10*time.Second)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
	})
}

// A warning is said once in all looks.
func TestWatchWarnsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		w := watched(&out, time.Hour)
		w.queries[0].Challenge, w.redraw = "_acme-challenge.loop.example.com.", true
		warned := 0
		w.options.Warn = func(string) { warned++ }
		w.options.Client.UDP = blind{w.options.Client.UDP, w.options.Recursive[0]}
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		_ = w.watch(ctx, time.Second)
		if looks := strings.Count(out.String(), clear); warned != 1 || looks < 10 {
			t.Errorf("warned %d times in %d looks, want once in at least 10", warned, looks)
		}
	})
}

// blind reaches nobody but one server, which fails.
type blind struct {
	delegation.Exchanger
	only netip.AddrPort
}

func (b blind) ExchangeContext(ctx context.Context, m *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	if addr != b.only.String() {
		return nil, 0, &net.OpError{Op: "dial", Net: "udp", Err: syscall.ENETUNREACH}
	}
	return b.Exchanger.ExchangeContext(ctx, m, addr)
}
