package delegation

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"certctl/lab/authority"
)

// A recursive resolver may name the root servers without their addresses.
func TestRootWithoutAddresses(t *testing.T) {
	b := newBench(cnamed)
	b.resolver.client.UDP = bare{b.UDP()}
	b.resolve(t, challenge)
	if len(b.warned) > 0 {
		t.Errorf("warned of %q", b.warned)
	}
}

// bare is an Exchanger that drops the additional section of the root's NS records.
type bare struct{ Exchanger }

func (x bare) ExchangeContext(ctx context.Context, q *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	r, rtt, err := x.Exchanger.ExchangeContext(ctx, q, addr)
	if err == nil && q.Question[0].Name == "." {
		r.Extra = nil
	}
	return r, rtt, err
}

// firewall is an Exchanger that reaches only some servers.
type firewall struct {
	Exchanger
	open func(addr netip.Addr) error
}

func (f firewall) ExchangeContext(ctx context.Context, q *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	switch err := f.open(netip.MustParseAddrPort(addr).Addr()); {
	case err == nil:
		return f.Exchanger.ExchangeContext(ctx, q, addr)
	case errors.Is(err, context.DeadlineExceeded):
		<-ctx.Done()
		return nil, 0, ctx.Err()
	default:
		return nil, 0, &net.OpError{Op: "dial", Net: "udp", Err: os.NewSyscallError("connect", err)}
	}
}

// wall puts a firewall before the bench's resolver.
func (b *bench) wall(open func(addr netip.Addr) error) {
	b.resolver.client = &Client{UDP: firewall{b.UDP(), open}, TCP: firewall{b.TCP(), open}}
}

// Where port 53 is closed, the recursive resolver is asked instead, and that
// is said once.
func TestPortClosed(t *testing.T) {
	for _, closed := range []error{context.DeadlineExceeded, syscall.ENETUNREACH, syscall.ECONNREFUSED} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(func(w *authority.World) {
				cnamed(w)
				w.Zone("_acme-challenge.example.com.", "", "ns._acme-challenge.example.com.")
			})
			b.wall(func(a netip.Addr) error {
				if a == b.Recursor().Addr().Addr() {
					return nil
				}
				return closed
			})
			var wg sync.WaitGroup
			for _, name := range []Name{challenge, "_acme-challenge.example.com.", "_acme-challenge.mail.example.com."} {
				wg.Go(func() {
					target := b.resolve(t, name)
					want := map[Name]Name{challenge: "example.net.", "_acme-challenge.example.com.": "_acme-challenge.example.com.", "_acme-challenge.mail.example.com.": "example.com."}[name]
					if target.Zone != want || len(target.Servers) == 0 || len(target.Servers[0].Addrs) == 0 {
						t.Errorf("%s: got\n%s", name, b.show(target))
					}
				})
			}
			wg.Wait()
			want := "authoritative servers cannot be asked from here (a.root. (@a.root) " + networkCause(closed) + "; 1 more failed): asking @recursor instead, who may answer from a cache"
			if len(b.warned) != 1 || b.anonymous(b.warned[0]) != want {
				t.Errorf("got warnings %q, want %q", b.warned, want)
			}
		})
	}
}

// A root that fails later on is in trouble, not behind a closed port.
func TestRootFailsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(cnamed)
		b.resolve(t, "_acme-challenge.mail.example.com.")
		for _, s := range []string{"a.root.", "b.root."} {
			b.Server(s).Fault(authority.Fault{Dead: true})
		}
		_, err := b.resolver.Resolve(t.Context(), challenge, Follow{})
		if err == nil || len(b.warned) > 0 || !strings.Contains(err.Error(), "no server of zone . could say") {
			t.Errorf("got %v, warnings %q", err, b.warned)
		}
	})
}

func TestHints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(cnamed)
		asked := map[netip.Addr]bool{}
		var mu sync.Mutex
		b.wall(func(a netip.Addr) error {
			mu.Lock()
			defer mu.Unlock()
			asked[a] = true
			return context.DeadlineExceeded
		})
		if _, err := b.resolver.Resolve(t.Context(), challenge, Follow{}); err == nil {
			t.Error("got no error in a world without an answer")
		}
		for _, h := range hints {
			for _, a := range []string{h.v4, h.v6} {
				if !asked[netip.MustParseAddr(a)] {
					t.Errorf("%s (%s) was not asked", h.host, a)
				}
			}
		}
	})
}

func TestSystemResolvers(t *testing.T) {
	for _, test := range []struct {
		conf      string
		want, err string
	}{
		{conf: "nameserver 192.0.2.53\nnameserver fe80::1%eth0\n", want: "[192.0.2.53:53 [fe80::1%eth0]:53]"},
		{conf: "search example.com\n", err: "no recursive resolver is known: PATH: it names none"},
		{err: "no recursive resolver is known: PATH: no such file or directory"},
	} {
		path := filepath.Join(t.TempDir(), "resolv.conf")
		if test.conf != "" {
			if err := os.WriteFile(path, []byte(test.conf), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := systemResolvers(path)
		if want := strings.ReplaceAll(test.err, "PATH", path); errText(err) != want || err == nil && fmt.Sprint(got) != test.want {
			t.Errorf("got %v, %v, want %s%s", got, err, test.want, want)
		}
	}
}
