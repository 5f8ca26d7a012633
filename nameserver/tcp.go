package nameserver

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

const idleTime = 10 * time.Second // RFC 7766 §6.2.3: a few seconds at least

// serveTCP answers on the connections of a socket until it is closed.
func (s *Server) serveTCP(ctx context.Context, l *net.TCPListener) {
	var conns sync.WaitGroup
	defer conns.Wait()
	for {
		conn, err := l.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		conns.Go(func() { s.serveConn(ctx, conn) })
	}
}

// serveConn answers the messages of a connection.
func (s *Server) serveConn(ctx context.Context, conn *net.TCPConn) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	peer := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	from := netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
	in := bufio.NewReader(conn)
	for {
		conn.SetDeadline(time.Now().Add(idleTime))
		var length [2]byte
		if _, err := io.ReadFull(in, length[:]); err != nil {
			return
		}
		packet := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(in, packet); err != nil {
			return
		}
		answer := s.handle(ctx, packet, from, true)
		if answer == nil {
			return
		}
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
			return
		}
	}
}
