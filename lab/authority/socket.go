package authority

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// maxBinds bounds the search for a port that is free on all addresses.
const maxBinds = 20

// Start opens the sockets, over UDP and TCP for every address, and returns
// when all answer. The error is an *AddressError where the system does not
// have such addresses.
func (w *World) Start() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sealed {
		panic("authority: the world is in use already")
	}
	var err error
	for range maxBinds {
		w.assign()
		if err = w.bind(); err == nil || isMissing(err) {
			break
		}
	}
	if err != nil {
		return err
	}
	w.seal()
	w.serve()
	return nil
}

// bind opens the sockets of all hosts, at the port asked for, or at one that
// the kernel chooses for the first. After an error none is open.
func (w *World) bind() (err error) {
	defer func() {
		if err != nil {
			for _, s := range w.sockets {
				closeSocket(s)
			}
			w.sockets = nil
		}
	}()
	w.port = w.listen
	for addr, h := range w.hosts {
		if err := w.bindHost(addr, h); err != nil {
			if isMissing(err) {
				err = &AddressError{Addr: addr, Count: len(w.hosts), Err: err}
			}
			return err
		}
	}
	return nil
}

// bindHost opens the two sockets of one address.
func (w *World) bindHost(addr netip.Addr, h host) error {
	pc, err := net.ListenPacket("udp", netip.AddrPortFrom(addr, w.port).String())
	if err != nil {
		return err
	}
	w.port = pc.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	w.sockets = append(w.sockets, w.socket(h, pc, nil))
	l, err := net.Listen("tcp", netip.AddrPortFrom(addr, w.port).String())
	if err != nil {
		return err
	}
	w.sockets = append(w.sockets, w.socket(h, nil, l))
	return nil
}

// socket returns the server on one socket.
func (w *World) socket(h host, pc net.PacketConn, l net.Listener) *dns.Server {
	s := &dns.Server{
		PacketConn: pc, Listener: l, Handler: handler{w, h}, UDPSize: 4096,
		MsgAcceptFunc: func(dh dns.Header) dns.MsgAcceptAction {
			if isResponse := dh.Bits&(1<<15) != 0; isResponse {
				return dns.MsgIgnore
			}
			return dns.MsgAccept
		},
	}
	if server, ok := h.(*Server); ok {
		s.TsigProvider = keyring{server}
	}
	return s
}

func closeSocket(s *dns.Server) {
	if s.PacketConn != nil {
		_ = s.PacketConn.Close()
	} else {
		_ = s.Listener.Close()
	}
}

// serve starts one goroutine for each socket; Close ends them.
func (w *World) serve() {
	for _, s := range w.sockets {
		started := make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		w.running.Go(func() { _ = s.ActivateAndServe() })
		<-started
	}
}

// handler passes messages from a socket to a host.
type handler struct {
	world *World
	host  host
}

// ServeDNS implements dns.Handler.
func (h handler) ServeDNS(rw dns.ResponseWriter, q *dns.Msg) {
	ctx := h.world.ctx
	from, _ := netip.ParseAddrPort(rw.RemoteAddr().String())
	_, tcp := rw.RemoteAddr().(*net.TCPAddr)
	out := h.host.answer(ctx, q, call{from: from.Addr(), tcp: tcp, tsig: rw.TsigStatus()})
	if out.hangUp {
		_ = rw.Close()
	}
	if wait(ctx, out.after) == nil && out.msg != nil {
		_ = rw.WriteMsg(out.msg)
	}
}

// wait waits for d.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait: %w", context.Cause(ctx))
	case <-t.C:
		return nil
	}
}
