package nameserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net"
	"net/netip"
	"os"
	"syscall"
)

// listener is the sockets at one address; of those that were adopted, one of
// the two.
type listener struct {
	udp []*packetSocket // one for each goroutine that reads; may be the same ones
	tcp *net.TCPListener
}

// ListenError says that an address cannot be listened at.
type ListenError struct {
	Addr netip.AddrPort
	Err  error
}

func (e *ListenError) Error() string {
	switch {
	case errors.Is(e.Err, syscall.EADDRINUSE):
		return fmt.Sprintf("listen %s: another program has this port", e.Addr)
	case errors.Is(e.Err, syscall.EADDRNOTAVAIL):
		return fmt.Sprintf("listen %s: this host does not have this address", e.Addr)
	case errors.Is(e.Err, fs.ErrPermission):
		return fmt.Sprintf("listen %s: ports below 1024 take a privilege", e.Addr)
	}
	return fmt.Sprintf("listen %s: %v", e.Addr, e.Err)
}

func (e *ListenError) Unwrap() error { return e.Err }

// Hint says what to do.
func (e *ListenError) Hint() string {
	switch {
	case errors.Is(e.Err, syscall.EADDRINUSE):
		return fmt.Sprintf("ss -lntup 'sport = :%d' shows which; systemd-resolved is at 127.0.0.53 only: list this host's public addresses under listen: instead of 0.0.0.0", e.Addr.Port())
	case errors.Is(e.Err, syscall.EADDRNOTAVAIL):
		return "listen: takes addresses that this host itself has (ip address shows them): behind NAT not the public one"
	case errors.Is(e.Err, fs.ErrPermission):
		return "start it as root with user: set, or by systemd with AmbientCapabilities=CAP_NET_BIND_SERVICE or a socket unit, or run setcap cap_net_bind_service=+ep on the program"
	}
	return ""
}

// inOurWay returns the error for an address that cannot be listened at because
// of a socket of our own: one at all addresses and one at a single address need
// the same port.
func inOurWay(err error, addr netip.AddrPort, ours iter.Seq[netip.AddrPort]) error {
	for own := range ours {
		if errors.Is(err, syscall.EADDRINUSE) && own.Port() == addr.Port() && own.Addr().IsUnspecified() != addr.Addr().IsUnspecified() {
			return &ListenError{addr, fmt.Errorf("it overlaps with %s, where this server listens: that change takes a restart", own)}
		}
	}
	return err
}

// listen opens the sockets at an address. With port 0 it is one that is free for
// both.
func listen(addr netip.AddrPort) (*listener, error) {
	const tries = 10
	for try := 1; ; try++ {
		l, err := listenOnce(addr)
		if err == nil || addr.Port() != 0 || try == tries {
			return l, err
		}
	}
}

func listenOnce(addr netip.AddrPort) (*listener, error) {
	family := "4"
	if addr.Addr().Is6() {
		family = "6" // alone, so that 0.0.0.0 and :: can stand beside each other
	}
	var lc net.ListenConfig
	t, err := lc.Listen(context.Background(), "tcp"+family, addr.String())
	if err != nil {
		return nil, &ListenError{addr, err}
	}
	l := &listener{tcp: t.(*net.TCPListener)}
	lc.Control = share
	conn, err := lc.ListenPacket(context.Background(), "udp"+family, l.addr().String())
	if err != nil {
		l.close()
		return nil, &ListenError{addr, err}
	}
	l.udp = newPacketSocket(conn.(*net.UDPConn)).readers(lc, "udp"+family)
	return l, nil
}

// adopt makes listeners of sockets that somebody else has opened.
func adopt(files []*os.File) ([]*listener, error) {
	var list []*listener
	for _, f := range files {
		if conn, err := net.FilePacketConn(f); err == nil {
			if u, ok := conn.(*net.UDPConn); ok {
				list = append(list, &listener{udp: repeated(newPacketSocket(u))})
				continue
			}
			conn.Close()
		}
		l, err := net.FileListener(f)
		if err != nil {
			return list, fmt.Errorf("socket %s: %w", f.Name(), err)
		}
		t, ok := l.(*net.TCPListener)
		if !ok {
			l.Close()
			return list, fmt.Errorf("socket %s: it is for neither UDP nor TCP", f.Name())
		}
		list = append(list, &listener{tcp: t})
	}
	return list, nil
}

func (l *listener) addr() netip.AddrPort {
	addr := netip.AddrPort{}
	if l.tcp != nil {
		addr = l.tcp.Addr().(*net.TCPAddr).AddrPort()
	} else {
		addr = l.udp[0].conn.LocalAddr().(*net.UDPAddr).AddrPort()
	}
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

func (l *listener) close() {
	if l.tcp != nil {
		l.tcp.Close()
	}
	for _, p := range l.udp {
		p.conn.Close()
	}
}
