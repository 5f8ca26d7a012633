package nameserver

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"sync"

	"github.com/miekg/dns"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// slowAtOnce is how many messages that cannot be answered at once, updates
// above all, a socket works on at the same time. More are dropped.
const slowAtOnce = 64

// packetSocket is a UDP socket. One that listens at all addresses of the host
// has to answer from the address that was asked.
type packetSocket struct {
	conn *net.UDPConn
	all  bool
	slow chan struct{} // has an element for each message that is worked on
}

func newPacketSocket(conn *net.UDPConn) *packetSocket {
	p := &packetSocket{conn: conn, slow: make(chan struct{}, slowAtOnce)}
	p.all = conn.LocalAddr().(*net.UDPAddr).IP.IsUnspecified()
	if p.all {
		// Of the two families the socket has one or both: the other one fails.
		_ = ipv4.NewPacketConn(conn).SetControlMessage(ipv4.FlagDst, true)
		_ = ipv6.NewPacketConn(conn).SetControlMessage(ipv6.FlagDst, true)
	}
	return p
}

// packet is one that came.
type packet struct {
	data []byte
	from netip.AddrPort
	at   []byte // control message for the answer; nil: none
}

// read reads a packet into buf; control is for what says where it was sent to.
func (p *packetSocket) read(buf, control []byte) (packet, error) {
	if !p.all {
		n, from, err := p.conn.ReadFromUDPAddrPort(buf)
		return packet{data: buf[:n], from: unmapped(from)}, err
	}
	n, more, _, from, err := p.conn.ReadMsgUDPAddrPort(buf, control)
	if err != nil {
		return packet{}, err
	}
	return packet{data: buf[:n], from: unmapped(from), at: source(control[:more])}, nil
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// source returns the control message that sends an answer from where the
// question went to.
func source(control []byte) []byte {
	var six ipv6.ControlMessage
	if six.Parse(control) == nil && six.Dst != nil {
		return (&ipv6.ControlMessage{Src: six.Dst}).Marshal()
	}
	var four ipv4.ControlMessage
	if four.Parse(control) == nil && four.Dst != nil {
		return (&ipv4.ControlMessage{Src: four.Dst}).Marshal()
	}
	return nil
}

// write sends the answer to a packet; none if it is nil.
func (p *packetSocket) write(answer []byte, to packet) {
	switch {
	case answer == nil:
	case to.at == nil:
		p.conn.WriteToUDPAddrPort(answer, to.from)
	default:
		p.conn.WriteMsgUDPAddrPort(answer, to.at, to.from)
	}
}

// maxReaders is how many goroutines read from one socket at most.
const maxReaders = 8

// serveUDP answers the packets of a socket until it is closed.
func (s *Server) serveUDP(ctx context.Context, p *packetSocket) {
	var readers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), maxReaders) {
		readers.Go(func() { s.readUDP(ctx, p) })
	}
	readers.Wait()
}

func (s *Server) readUDP(ctx context.Context, p *packetSocket) {
	var slow sync.WaitGroup
	defer slow.Wait()
	in, control, out := make([]byte, dns.MaxMsgSize), make([]byte, 128), make([]byte, 0, dns.MaxMsgSize)
	for {
		q, err := p.read(in, control)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error about an answer
		}
		if answer, ok := s.quick(out, q.data, q.from, false); ok {
			p.write(answer, q)
			continue
		}
		select {
		case p.slow <- struct{}{}:
		default:
			continue
		}
		q.data = append([]byte(nil), q.data...)
		slow.Go(func() {
			p.write(s.handle(ctx, q.data, q.from, false), q)
			<-p.slow
		})
	}
}
