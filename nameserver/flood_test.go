package nameserver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// dialFrom opens a connection from an address of this host.
func dialFrom(t *testing.T, from string, addr netip.AddrPort) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := d.Dial("tcp", addr.String())
	if errors.Is(err, syscall.EMFILE) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// closed waits until the server has closed a connection.
func closed(t *testing.T, conn net.Conn) bool {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, err := conn.Read(make([]byte, 1))
	return err != nil && !isTimeout(err)
}

// TestFlood has clients of many networks take all connections, and announce
// long messages that they do not send. There are no more than the limits say,
// and little memory is set aside; who is connected and asks is served, and so is
// UDP; and soon there is room again, though none of them leaves.
func TestFlood(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is one loopback address only")
	}
	s := newServer(t, world())
	addr := serve(t, s)
	count := func() int {
		s.conns.mu.Lock()
		defer s.conns.mu.Unlock()
		return s.conns.all
	}
	old := &dns.Conn{Conn: dialFrom(t, "127.99.0.1", addr)}
	question := new(dns.Msg).SetQuestion(string(auth), dns.TypeSOA)
	served := func() bool {
		old.SetDeadline(time.Now().Add(5 * time.Second))
		if old.WriteMsg(question) != nil {
			return false
		}
		m, err := old.ReadMsg()
		return err == nil && m.Authoritative
	}
	before := heap()
	for n := range maxConns - 1 {
		conn := dialFrom(t, fmt.Sprintf("127.98.%d.%d", n/maxConnsFrom, 1+n%maxConnsFrom), addr)
		conn.Write([]byte{0xFF, 0xFF, 0})
		if n%100 == 0 && !served() {
			t.Fatalf("after %d connections the old one is not served", n)
		}
	}
	if !closed(t, dialFrom(t, "127.98.0.200", addr)) {
		t.Errorf("a client has more than %d connections", maxConnsFrom)
	}
	if got := count(); got > maxConns {
		t.Errorf("got %d connections, want %d at most", got, maxConns)
	}
	if grown := int64(heap()) - int64(before); grown > 32<<20 {
		t.Errorf("they take %d octets each", grown/maxConns)
	}
	until(t, "there is room", func() bool {
		if !served() || !answers(t, addr, "udp") {
			t.Fatal("the old connection, or UDP, is not served")
		}
		return count() < maxConns*3/4
	})
	if !answers(t, addr, "tcp") || !served() {
		t.Errorf("got no answer after the flood")
	}
}

// TestMostConnections counts connections as they come and go.
func TestMostConnections(t *testing.T) {
	c := &conns{from: map[netip.Prefix]int{}}
	network := func(n int) netip.Prefix { return client(netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), 1})) }
	for n := range maxConns {
		if !c.enter(network(n)) {
			t.Fatalf("connection %d is refused", n)
		}
	}
	if c.enter(network(maxConns)) {
		t.Errorf("there are more than %d connections", maxConns)
	}
	c.leave(network(0))
	if !c.enter(network(maxConns)) || len(c.from) != maxConns {
		t.Errorf("there is no room when one has left")
	}
	if got := c.patience(); got != busyTime {
		t.Errorf("got %v of patience when all are taken", got)
	}
}

// heap returns how many octets are in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestRateOfAllNames asks about ever new names from one network: together they
// get no more than their share, the quick way and the slow one; what cannot be
// read is counted, too.
func TestRateOfAllNames(t *testing.T) {
	const asked = 200
	for _, test := range []struct {
		from    string
		packet  func(n int) []byte
		atLeast int
		atMost  int
	}{
		{"198.51.100.1", func(n int) []byte { return packed(t, n, false) }, 5 * allNames, 5*allNames + 10},
		{"198.51.101.1", func(n int) []byte { return packed(t, n, true) }, 5 * allNames, 5*allNames + 10},
		{"198.51.102.1", func(int) []byte { return packed(t, 0, true) }, 5, 10},
		{"198.51.103.1", func(int) []byte { return bytes.Repeat([]byte{1}, 40) }, 5, 10},
		{"198.51.104.1", func(int) []byte { return badlySigned(t) }, 5, 10},
	} {
		c := world()
		c.Rate.Answers = 5
		s := newServer(t, c) // each its own: clients share buckets by chance
		full := 0
		from := netip.AddrPortFrom(netip.MustParseAddr(test.from), 53)
		for n := range asked {
			p := test.packet(n)
			answer, _, ok := s.quick(nil, p, from, false)
			if !ok {
				answer = s.handle(t.Context(), p, from, false)
			}
			if len(answer) > 0 && answer[2]&0x02 == 0 {
				full++
			}
		}
		if full < test.atLeast || full > test.atMost {
			t.Errorf("%s: got %d whole answers to %d packets, want %d", test.from, full, asked, test.atLeast)
		}
	}
}

// packed returns a question about one of the zones of a family; with slow, one
// for the slow way.
func packed(t *testing.T, n int, slow bool) []byte {
	t.Helper()
	q := new(dns.Msg).SetQuestion(fmt.Sprintf("_acme-challenge.h%d.example.com.", n), dns.TypeNS)
	if slow {
		addOption(q, &dns.EDNS0_LOCAL{Code: 65400})
	}
	text, err := q.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// badlySigned returns a question with the signature of an unknown key.
func badlySigned(t *testing.T) []byte {
	t.Helper()
	q := new(dns.Msg).SetQuestion(string(auth), dns.TypeSOA)
	q.SetTsig("nobody.", dns.HmacSHA256, 300, time.Now().Unix())
	text, _, err := dns.TsigGenerate(q, "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "", false)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestRefusalsInLog has somebody sign with a key that nobody knows: the log does
// not grow with each.
func TestRefusalsInLog(t *testing.T) {
	var log strings.Builder
	c := world()
	c.Log = slog.New(slog.NewTextHandler(io.Writer(&log), nil))
	s := newServer(t, c)
	for range 1000 {
		s.handle(t.Context(), badlySigned(t), somebody, true)
	}
	if got := strings.Count(log.String(), "a signature is refused"); got < 1 || got > 5*refusalsLogged {
		t.Errorf("got %d lines in the log for 1000 signatures", got)
	}
}

// TestNotifyOfFamily has somebody at the primary's address speak of many zones
// of a family: only the family is asked for.
func TestNotifyOfFamily(t *testing.T) {
	c := world()
	c.Keys = []Key{{Name: "transfer.", Algorithm: "hmac-sha256", Secret: []byte("0123456789abcdef")}}
	c.Zones[1].Primary = &Peer{Addr: netip.MustParseAddrPort("192.0.2.9:53"), Key: "transfer."}
	s := newServer(t, c)
	for n := range 100 {
		q := new(dns.Msg).SetNotify(fmt.Sprintf("_acme-challenge.h%d.example.com.", n))
		if m := s.Answer(q, netip.MustParseAddrPort("192.0.2.9:5353"), false); m.Rcode != dns.RcodeSuccess {
			t.Fatalf("got %v", m)
		}
		if m := s.Answer(q, netip.MustParseAddrPort("192.0.2.10:5353"), false); m.Rcode != dns.RcodeRefused {
			t.Fatalf("a stranger: got %v", m)
		}
	}
	if got := s.due.take(); len(got) != 1 || got[0] != familyName(delegation.Name("example.com.")) {
		t.Errorf("got %v to be transferred, want the family", got)
	}
}
