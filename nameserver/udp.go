package nameserver

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"time"

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
	at   []byte // control message for the answer; may be empty
}

// write sends the answer to a packet; none if it is nil.
func (p *packetSocket) write(answer []byte, to packet) {
	switch {
	case answer == nil:
	case len(to.at) == 0:
		p.conn.WriteToUDPAddrPort(answer, to.from)
	default:
		p.conn.WriteMsgUDPAddrPort(answer, to.at, to.from)
	}
}

// mostReaders is how many goroutines read at one address at most.
const mostReaders = 8

// useful returns how many goroutines can read at the same time, and leave the
// processor time that updates need.
func useful() int { return max(1, min(runtime.GOMAXPROCS(0)-1, mostReaders)) }

// repeated returns a socket for each goroutine that reads from it.
func repeated(p *packetSocket) []*packetSocket {
	return slices.Repeat([]*packetSocket{p}, useful())
}

// largestQuestion is the length of the longest message that is read over UDP.
const largestQuestion = 4096

// serveUDP answers the packets of a socket until it is closed.
func (s *Server) serveUDP(ctx context.Context, p *packetSocket) {
	var slow sync.WaitGroup
	defer slow.Wait()
	b, err := p.newBatch()
	if err != nil {
		return // it is closed
	}
	seen := make([]Query, 0, batchSize)
	for {
		n, err := b.read()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // an ICMP error about an answer, or no memory
			pause(ctx, time.Millisecond)
			continue
		}
		seen = seen[:0]
		for i := range n {
			q := b.packet(i)
			answer, query, ok := s.quick(b.space(i), q.data, q.from, false)
			if !ok {
				s.handleLater(ctx, &slow, p, q)
				continue
			}
			seen = append(seen, query)
			if answer != nil {
				b.answer(i, answer)
			}
		}
		b.write()
		s.observe(seen...)
		if n == batchSize {
			runtime.Gosched() // there is more, but others wait too
		}
	}
}

// handleLater answers a packet while others are answered.
func (s *Server) handleLater(ctx context.Context, tasks *sync.WaitGroup, p *packetSocket, q packet) {
	select {
	case p.slow <- struct{}{}:
	default:
		return
	}
	q.data, q.at = bytes.Clone(q.data), bytes.Clone(q.at)
	tasks.Go(func() {
		p.write(s.handle(ctx, q.data, q.from, false), q)
		<-p.slow
	})
}
