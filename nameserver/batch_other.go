//go:build !linux

package nameserver

import (
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// batch is packets that are read and answered together: one at a time, where
// the system cannot do more.
type batch struct {
	socket   *packetSocket
	question packet
	reply    []byte // nil: none
	in, out  []byte
	control  [128]byte
}

const batchSize = 1

func (p *packetSocket) newBatch() (*batch, error) {
	return &batch{socket: p, in: make([]byte, largestQuestion), out: make([]byte, 0, udpSize)}, nil
}

// read waits for packets and returns how many have come.
func (b *batch) read() (int, error) {
	b.reply = nil
	n, more, _, from, err := b.socket.conn.ReadMsgUDPAddrPort(b.in, b.control[:])
	if err != nil {
		return 0, err
	}
	b.question = packet{data: b.in[:n], from: unmapped(from)}
	if b.socket.all {
		b.question.at = source(b.control[:more])
	}
	return 1, nil
}

// packet returns a packet that was read; it is good until the next read.
func (b *batch) packet(int) packet { return b.question }

// space returns where the answer to a packet can be made.
func (b *batch) space(int) []byte { return b.out }

// answer adds the answer to a packet to those that will be written.
func (b *batch) answer(_ int, text []byte) { b.reply = text }

// write sends all answers. One that cannot be sent is left out.
func (b *batch) write() { b.socket.write(b.reply, b.question) }

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

// readers returns the socket for each goroutine that reads from it.
func (p *packetSocket) readers(net.ListenConfig, string) []*packetSocket { return repeated(p) }

// share does nothing: elsewhere the last socket gets all packets.
func share(_, _ string, _ syscall.RawConn) error { return nil }
