package authority

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// Exchanger sends queries to the servers of a world without sockets. It waits
// for nothing but timers. It does not sign: updates go over sockets, or are
// made by Zone.Add and Zone.Remove.
type Exchanger struct {
	world *World
	tcp   bool
}

// UDP returns an Exchanger whose answers may be truncated.
func (w *World) UDP() Exchanger { return Exchanger{world: w} }

// TCP returns an Exchanger whose answers are whole.
func (w *World) TCP() Exchanger { return Exchanger{world: w, tcp: true} }

// exchangeTimeout bounds an exchange whose context has no deadline.
const exchangeTimeout = 5 * time.Second

// ExchangeContext sends m to the server at addr and returns its answer, as
// (*dns.Client).ExchangeContext does. At an address without a server the
// connection is refused; a server that does not answer is waited for until the
// context's deadline, or 5 s without one.
func (x Exchanger) ExchangeContext(ctx context.Context, m *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	start := time.Now()
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, exchangeTimeout)
		defer cancel()
	}
	r, err := x.exchange(ctx, m, addr)
	if err != nil {
		network := map[bool]string{false: "udp", true: "tcp"}[x.tcp]
		err = &net.OpError{Op: "read", Net: network, Addr: address(addr), Err: err}
	}
	return r, time.Since(start), err
}

// address is a net.Addr for error messages.
type address string

func (a address) Network() string { return "dns" }
func (a address) String() string  { return string(a) }

func (x Exchanger) exchange(ctx context.Context, m *dns.Msg, addr string) (*dns.Msg, error) {
	h := x.world.host(addr)
	if h == nil {
		return nil, syscall.ECONNREFUSED
	}
	q, err := wire(m)
	if err != nil {
		return nil, err
	}
	out := h.answer(ctx, q, call{from: netip.IPv6Unspecified(), tcp: x.tcp, tsig: dns.ErrSecret})
	if out.hangUp {
		return nil, io.EOF
	}
	if out.msg == nil {
		out.after = 1 << 62
	}
	if wait(ctx, out.after) != nil {
		if ctx.Err() == context.DeadlineExceeded {
			return nil, os.ErrDeadlineExceeded
		}
		return nil, context.Cause(ctx)
	}
	return wire(out.msg)
}

// host returns who listens at addr, nil for nobody.
func (w *World) host(addr string) host {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.prepare()
	ap, err := netip.ParseAddrPort(addr)
	if err != nil || ap.Port() != w.port {
		return nil
	}
	return w.hosts[ap.Addr()]
}

// wire returns a message as it comes out at the other end.
func wire(m *dns.Msg) (*dns.Msg, error) {
	b, err := m.Pack()
	if err != nil {
		return nil, err
	}
	r := new(dns.Msg)
	return r, r.Unpack(b)
}
