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

const (
	maxConns     = 1000 // at the same time, of all; tests open as many
	maxConnsFrom = 50   // of one client
	idleTime     = 10 * time.Second
	busyTime     = time.Second // idleTime when half of the connections are taken (RFC 7766 §6.2.3)
)

// conns counts connections.
type conns struct {
	mu   sync.Mutex
	all  int
	from map[netip.Prefix]int
}

// enter reports whether a client may have one more.
func (c *conns) enter(client netip.Prefix) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all >= maxConns || c.from[client] >= maxConnsFrom {
		return false
	}
	c.all++
	c.from[client]++
	return true
}

func (c *conns) leave(client netip.Prefix) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.from[client]--; c.from[client] == 0 {
		delete(c.from, client)
	}
}

// patience returns how long a message may take to come, from its first octet or
// before it to the last.
func (c *conns) patience() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all > maxConns/2 {
		return busyTime
	}
	return idleTime
}

// client returns the addresses that count as one client.
func client(addr netip.Addr) netip.Prefix {
	bits := 56
	if addr = addr.Unmap(); addr.Is4() {
		bits = 24
	}
	prefix, _ := addr.WithZone("").Prefix(bits)
	return prefix
}

// serveTCP answers on the connections of a socket until it is closed.
func (s *Server) serveTCP(ctx context.Context, l *net.TCPListener) {
	var tasks sync.WaitGroup
	defer tasks.Wait()
	for {
		conn, err := l.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of file descriptors, perhaps
			pause(ctx, 10*time.Millisecond)
			continue
		}
		peer := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
		from := netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
		if !s.conns.enter(client(from.Addr())) {
			conn.Close()
			continue
		}
		tasks.Go(func() {
			defer s.conns.leave(client(from.Addr()))
			s.serveConn(ctx, conn, from)
		})
	}
}

// pause waits, or less if the context is done.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// serveConn answers the messages of a connection, in their order.
func (s *Server) serveConn(ctx context.Context, conn *net.TCPConn, from netip.AddrPort) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Now()) })
	defer stop()
	in, out := bufio.NewReaderSize(conn, 1<<10), bufio.NewWriterSize(patient{conn, &s.conns, ctx.Err}, 4<<10)
	for {
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
		conn.SetDeadline(time.Now().Add(s.conns.patience()))
		if ctx.Err() != nil { // also when it ended just before the deadline was set
			break
		}
		packet, err := readMessage(in)
		if err != nil {
			out.Flush()
			return
		}
		if !s.answerTCP(ctx, out, packet, from) {
			return
		}
	}
	out.Flush()
}

// patient is a connection on which each write may take as long as one message,
// until the server ends: a transfer has many.
type patient struct {
	*net.TCPConn
	conns *conns
	ended func() error
}

func (p patient) Write(b []byte) (int, error) {
	if p.ended() == nil {
		p.SetWriteDeadline(time.Now().Add(p.conns.patience()))
	}
	return p.TCPConn.Write(b)
}

// commonMessage is the length of messages that there is room for at once, in
// octets. For longer ones it is made as they come: who says that one will be long
// need not send it.
const commonMessage = 512

// readMessage reads a message with its length (RFC 1035 §4.2.2).
func readMessage(in io.Reader) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(in, length[:]); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint16(length[:]))
	packet := make([]byte, min(size, commonMessage))
	for read := 0; ; packet = append(packet, make([]byte, min(size-read, read))...) {
		n, err := io.ReadFull(in, packet[read:])
		if read += n; err != nil || read == size {
			return packet, err
		}
	}
}

// answerTCP writes the answer to a message. It returns false where the
// connection is of no more use.
func (s *Server) answerTCP(ctx context.Context, out *bufio.Writer, packet []byte, from netip.AddrPort) bool {
	answer, query, ok := s.quick(nil, packet, from, true)
	if ok {
		defer s.observe(query)
	} else {
		if m := transferAsked(packet); m != nil {
			if done, err := s.transfer(out, packet, m, from); done {
				return err == nil
			}
		}
		if answer = s.handle(ctx, packet, from, true); answer == nil {
			out.Flush()
			return false
		}
	}
	return writeMessage(out, answer) == nil
}

// writeMessage writes a message with its length.
func writeMessage(out io.Writer, message []byte) error {
	var length [2]byte
	binary.BigEndian.PutUint16(length[:], uint16(len(message)))
	if _, err := out.Write(length[:]); err != nil {
		return err
	}
	_, err := out.Write(message)
	return err
}
