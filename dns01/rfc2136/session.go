package rfc2136

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// session is a conversation with one server about one zone, over TCP. It
// outlives the connections that the server closes.
type session struct {
	addr    netip.AddrPort
	zone    delegation.Name
	key     *key
	timeout time.Duration

	conn net.Conn // nil: none
	used bool     // conn has brought an answer
}

func (s *session) connect(ctx context.Context) error {
	s.close()
	d := net.Dialer{Timeout: min(dialTimeout, s.timeout)}
	conn, err := d.DialContext(ctx, "tcp", s.addr.String())
	if err != nil {
		return fmt.Errorf("server %v: %w", s.addr, plainly(err))
	}
	s.conn, s.used = conn, false
	return nil
}

func (s *session) close() {
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}

// ask sends all messages before it reads the first answer (RFC 7766 §6.2.1.1),
// and returns the answers in the order of the messages. A server may close the
// connection after some of them: the rest is sent again. That is safe for
// updates too, because adding what is there and deleting what is gone change
// nothing. A key of nil is for messages without a signature.
func (s *session) ask(ctx context.Context, k *key, messages []*dns.Msg) ([]*dns.Msg, error) {
	answers := make([]*dns.Msg, len(messages))
	for {
		if s.conn == nil {
			if err := s.connect(ctx); err != nil {
				return nil, err
			}
		}
		fresh := !s.used
		n, err := s.turn(ctx, k, messages, answers)
		if err == nil {
			return answers, nil
		}
		s.close()
		if !isHangUp(err) || fresh && n == 0 {
			return nil, fmt.Errorf("server %v: %w", s.addr, plainly(err))
		}
	}
}

// sent is a message that waits for its answer.
type sent struct {
	index int
	mac   string // of the request, which the answer's signature covers
}

// turn asks what is not answered yet over the connection at hand, and returns
// how many answers it brought.
func (s *session) turn(ctx context.Context, k *key, messages, answers []*dns.Msg) (n int, err error) {
	stream, waiting, err := frame(k, messages, answers)
	if err != nil {
		return 0, err
	}
	conn := s.conn
	conn.SetDeadline(time.Now().Add(s.timeout))
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()

	written := make(chan struct{})
	go func() {
		defer close(written)
		conn.Write(stream) // an error shows when the answers are read
	}()
	defer func() {
		if err != nil {
			conn.Close() // ends the writing
		}
		<-written
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
	}()
	for len(waiting) > 0 {
		if err := s.receive(k, waiting, answers); err != nil {
			return n, err
		}
		s.used = true
		n++
	}
	return n, nil
}

// frame returns the messages that have no answer yet, signed and framed for
// TCP (RFC 1035 §4.2.2), and what is waited for, by message ID.
func frame(k *key, messages, answers []*dns.Msg) ([]byte, map[uint16]sent, error) {
	var stream []byte
	waiting := make(map[uint16]sent, len(messages))
	id := dns.Id()
	for i, m := range messages {
		if answers[i] != nil {
			continue
		}
		id++
		m.Id = id
		packed, mac, err := k.sign(m)
		if err != nil {
			return nil, nil, err
		}
		stream = binary.BigEndian.AppendUint16(stream, uint16(len(packed)))
		stream = append(stream, packed...)
		waiting[id] = sent{index: i, mac: mac}
	}
	return stream, waiting, nil
}

// receive reads one answer and files it.
func (s *session) receive(k *key, waiting map[uint16]sent, answers []*dns.Msg) error {
	var size uint16
	if err := binary.Read(s.conn, binary.BigEndian, &size); err != nil {
		return err
	}
	packed := make([]byte, size)
	if _, err := io.ReadFull(s.conn, packed); err != nil {
		return err
	}
	m := new(dns.Msg)
	if err := m.Unpack(packed); err != nil {
		return fmt.Errorf("malformed answer: %w", err)
	}
	q, ok := waiting[m.Id]
	if !ok {
		return errors.New("an answer to a question that was not asked")
	}
	if err := k.check(m, packed, q.mac); err != nil {
		return err
	}
	answers[q.index] = m
	delete(waiting, m.Id)
	return nil
}

// isHangUp reports whether the server has closed the connection.
func isHangUp(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op) && !op.Timeout()
}

// plainly says what went wrong without the addresses, which the caller says.
func plainly(err error) error {
	var op *net.OpError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errHangUp
	case errors.As(err, &op) && op.Op == "dial":
		return fmt.Errorf("connect: %w", cause(op))
	case errors.As(err, &op):
		return cause(op)
	}
	return err
}

var (
	errTimeout = errors.New("no answer in time")
	errHangUp  = errors.New("it closed the connection without an answer")
)

// cause returns what the system said: "connection refused".
func cause(op *net.OpError) error {
	var call *os.SyscallError
	switch {
	case op.Timeout():
		return errTimeout
	case errors.As(op.Err, &call):
		return call.Err
	}
	return op.Err
}
