package nameserver

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batchSize is how many packets are read with one system call at most.
const batchSize = 32

// batch is packets that are read together, and their answers, which are
// written together (recvmmsg(2), sendmmsg(2)). The calls of x/net would do, but
// allocate an address for each packet. One goroutine uses a batch.
type batch struct {
	conn      syscall.RawConn
	receive   func(fd uintptr) bool
	send      func(fd uintptr) bool
	questions [batchSize]message
	answers   [batchSize]message
	asked     int
	answered  int
	sent      int
	err       syscall.Errno

	room    [batchSize]room
	control [batchSize][128]byte
	from    [batchSize]unix.RawSockaddrInet6 // or IPv4, which is shorter
}

// message is struct mmsghdr.
type message struct {
	unix.Msghdr
	length uint32
}

// room is for one packet and its answer.
type room struct {
	in, out  unix.Iovec // where the kernel finds them
	question [largestQuestion]byte
	answer   [udpSize]byte
}

func (p *packetSocket) newBatch() (*batch, error) {
	conn, err := p.conn.SyscallConn()
	b := &batch{conn: conn}
	b.receive, b.send = b.recvmmsg, b.sendmmsg
	return b, err
}

// read waits for packets and returns how many have come.
func (b *batch) read() (int, error) {
	for i := range b.questions {
		m, room := &b.questions[i], &b.room[i]
		room.in.Base = &room.question[0]
		room.in.SetLen(len(room.question))
		m.Name, m.Namelen = (*byte)(unsafe.Pointer(&b.from[i])), unix.SizeofSockaddrInet6
		m.Iov, m.Control = &room.in, &b.control[i][0]
		m.SetIovlen(1)
		m.SetControllen(len(b.control[i]))
	}
	b.asked, b.answered = 0, 0
	if err := b.conn.Read(b.receive); err != nil {
		return 0, err
	}
	if b.err != 0 {
		return 0, b.err
	}
	return b.asked, nil
}

func (b *batch) recvmmsg(fd uintptr) bool {
	n, _, err := syscall.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&b.questions[0])), batchSize, 0, 0, 0)
	b.asked, b.err = int(n), err
	return err != unix.EAGAIN
}

// packet returns a packet that was read; it is good until the next read.
func (b *batch) packet(i int) packet {
	m := &b.questions[i]
	data, control := b.room[i].question[:m.length], b.control[i][:m.Controllen]
	if m.Flags&unix.MSG_TRUNC != 0 {
		data = data[:headerSize] // which is malformed
	}
	leaveToRoutes(control)
	return packet{data: data, from: address(&b.from[i]), at: control}
}

// address reads the address of a sender.
func address(a *unix.RawSockaddrInet6) netip.AddrPort {
	if a.Family == unix.AF_INET {
		four := (*unix.RawSockaddrInet4)(unsafe.Pointer(a))
		return netip.AddrPortFrom(netip.AddrFrom4(four.Addr), hostOrder(four.Port))
	}
	addr := netip.AddrFrom16(a.Addr).Unmap()
	if a.Scope_id != 0 {
		addr = addr.WithZone(strconv.FormatUint(uint64(a.Scope_id), 10))
	}
	return netip.AddrPortFrom(addr, hostOrder(a.Port))
}

// hostOrder reads a port, which is in the order of the network whatever its
// type says.
func hostOrder(port uint16) uint16 {
	return binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&port))[:])
}

// leaveToRoutes makes control messages of a question those of its answer: they
// say which address was asked (ip(7), IP_PKTINFO), and no more by which
// interface.
func leaveToRoutes(control []byte) {
	for len(control) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
		data := control[unix.SizeofCmsghdr:min(max(int(h.Len), unix.SizeofCmsghdr), len(control))]
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			(*unix.Inet4Pktinfo)(unsafe.Pointer(&data[0])).Ifindex = 0
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			(*unix.Inet6Pktinfo)(unsafe.Pointer(&data[0])).Ifindex = 0
		}
		control = control[min(unix.CmsgSpace(len(data)), len(control)):]
	}
}

// space returns where the answer to a packet can be made.
func (b *batch) space(i int) []byte { return b.room[i].answer[:0] }

// answer adds the answer to a packet to those that will be written.
func (b *batch) answer(i int, text []byte) {
	m, q, out := &b.answers[b.answered], &b.questions[i], &b.room[i].out
	b.answered++
	out.Base = &text[0]
	out.SetLen(len(text))
	m.Name, m.Namelen, m.Iov = q.Name, q.Namelen, out
	m.SetIovlen(1)
	m.Control, m.Controllen = nil, q.Controllen
	if q.Controllen > 0 {
		m.Control = q.Control
	}
}

// write sends all answers. One that cannot be sent is left out.
func (b *batch) write() {
	for b.sent = 0; b.sent < b.answered; {
		if b.conn.Write(b.send) != nil {
			return
		}
		if b.err != 0 {
			b.sent++
		}
	}
}

func (b *batch) sendmmsg(fd uintptr) bool {
	n, _, err := syscall.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&b.answers[b.sent])), uintptr(b.answered-b.sent), 0, 0, 0)
	if b.err = err; err == 0 {
		b.sent += int(n)
	}
	return err != unix.EAGAIN
}

// readers returns the socket, and others at the same address: the kernel gives
// each of them a part of the clients (SO_REUSEPORT of socket(7)). They are as
// many as there is use for, or as can be opened.
func (p *packetSocket) readers(lc net.ListenConfig, network string) []*packetSocket {
	all := []*packetSocket{p}
	for len(all) < useful() {
		conn, err := lc.ListenPacket(context.Background(), network, p.conn.LocalAddr().String())
		if err != nil {
			break
		}
		all = append(all, newPacketSocket(conn.(*net.UDPConn)))
	}
	return all
}

// share has a UDP socket share its address with others of this user.
func share(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	})
	return errors.Join(err, failed)
}
