package nameserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"syscall"
)

// listener is the sockets at one address.
type listener struct {
	udp []*net.UDPConn
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
	case errors.Is(e.Err, fs.ErrPermission):
		return "start it as root with user: set, or by systemd with AmbientCapabilities=CAP_NET_BIND_SERVICE or a socket unit, or run setcap cap_net_bind_service=+ep on the program"
	}
	return ""
}

// listen opens the sockets at an address; with port 0, the same for both.
func listen(addr netip.AddrPort) (*listener, error) {
	var lc net.ListenConfig
	t, err := lc.Listen(context.Background(), "tcp", addr.String())
	if err != nil {
		return nil, &ListenError{addr, err}
	}
	l := &listener{tcp: t.(*net.TCPListener)}
	conn, err := lc.ListenPacket(context.Background(), "udp", l.addr().String())
	if err != nil {
		l.close()
		return nil, &ListenError{addr, err}
	}
	l.udp = append(l.udp, conn.(*net.UDPConn))
	return l, nil
}

func (l *listener) addr() netip.AddrPort {
	addr := l.tcp.Addr().(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

func (l *listener) close() {
	l.tcp.Close()
	for _, conn := range l.udp {
		conn.Close()
	}
}
