package nameserver

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"

	"github.com/miekg/dns"
)

// slowAtOnce is how many messages of one socket that cannot be answered at once, updates
// above all, are worked on at the same time. More are dropped.
const slowAtOnce = 64

// serveUDP answers the packets of a socket until it is closed.
func (s *Server) serveUDP(ctx context.Context, conn *net.UDPConn) {
	var slow sync.WaitGroup
	defer slow.Wait()
	room := make(chan struct{}, slowAtOnce)
	in, out := make([]byte, dns.MaxMsgSize), make([]byte, 0, dns.MaxMsgSize)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(in)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error about an answer
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if answer, _, ok := s.quick(out, in[:n], from, false); ok {
			conn.WriteToUDPAddrPort(answer, from)
			continue
		}
		select {
		case room <- struct{}{}:
		default:
			continue
		}
		packet := append([]byte(nil), in[:n]...)
		slow.Go(func() {
			if answer := s.handle(ctx, packet, from, false); answer != nil {
				conn.WriteToUDPAddrPort(answer, from)
			}
			<-room
		})
	}
}
