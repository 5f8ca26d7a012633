package nameserver

import (
	"context"
	"errors"
	"net"

	"github.com/miekg/dns"
)

// serveUDP answers the packets of a socket until it is closed.
func (s *Server) serveUDP(ctx context.Context, conn *net.UDPConn) {
	buffer := make([]byte, dns.MaxMsgSize)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error about an answer
		}
		if answer := s.handle(ctx, buffer[:n], from, false); answer != nil {
			conn.WriteToUDPAddrPort(answer, from)
		}
	}
}
