package nameserver

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// answers reports whether a server answers, over UDP or TCP.
func answers(t *testing.T, addr netip.AddrPort, network string) bool {
	t.Helper()
	client := dns.Client{Net: network, Timeout: 5 * time.Second}
	m, _, err := client.Exchange(new(dns.Msg).SetQuestion(string(auth), dns.TypeSOA), addr.String())
	return err == nil && m.Authoritative
}

func dial(t *testing.T, addr netip.AddrPort) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// TestHostileClients has clients hold connections, flood, and send nonsense: the
// server goes on answering others.
func TestHostileClients(t *testing.T) {
	s := newServer(t, world())
	addr := serve(t, s)
	var slow []net.Conn
	for range maxConnsFrom {
		conn := dial(t, addr)
		conn.Write([]byte{0}) // half of a length, and nothing more
		slow = append(slow, conn)
	}
	until(t, "connections are counted", func() bool {
		s.conns.mu.Lock()
		defer s.conns.mu.Unlock()
		return s.conns.all == maxConnsFrom
	})
	more := dial(t, addr)
	more.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := more.Read(make([]byte, 1)); err == nil || errors.Is(err, net.ErrClosed) || isTimeout(err) {
		t.Errorf("got %v from one connection too many, want it closed", err)
	}
	if !answers(t, addr, "udp") {
		t.Errorf("got no answer over UDP while one client has all its connections")
	}
	for _, conn := range slow {
		conn.Close()
	}
	until(t, "connections are free again", func() bool { return answers(t, addr, "tcp") })
	for _, message := range [][]byte{nil, {0}, make([]byte, 11), slices.Repeat([]byte{0xFF}, 65535), append(make([]byte, 12), slices.Repeat([]byte{0xC0, 12}, 100)...)} {
		conn := dial(t, addr)
		conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...))
		udp, err := net.Dial("udp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		udp.Write(message[:min(len(message), 9000)])
		udp.Close()
	}
	if !answers(t, addr, "udp") || !answers(t, addr, "tcp") {
		t.Errorf("got no answer after nonsense")
	}
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// TestPipelining sends many questions in one write and reads the answers (RFC
// 7766 §6.2.1.1).
func TestPipelining(t *testing.T) {
	addr := serve(t, newServer(t, world()))
	conn := &dns.Conn{Conn: dial(t, addr)}
	var all []byte
	for id := range uint16(100) {
		q := new(dns.Msg).SetQuestion(string(auth), dns.TypeSOA)
		q.Id = id
		if id%3 == 0 {
			q.SetEdns0(1232, false)
			addOption(q, &dns.EDNS0_LOCAL{Code: 65400}) // goes the slow way
		}
		packed, _ := q.Pack()
		all = append(append(all, binary.BigEndian.AppendUint16(nil, uint16(len(packed)))...), packed...)
	}
	conn.Conn.Write(all) // conn.Write would add a length
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	seen := map[uint16]bool{}
	for range 100 {
		m, err := conn.ReadMsg()
		if err != nil {
			t.Fatalf("after %d answers: %v", len(seen), err)
		}
		seen[m.Id] = m.Authoritative
	}
	if len(seen) != 100 {
		t.Errorf("got answers to %d questions, want 100", len(seen))
	}
}

// TestReloadWithoutGap reloads all the time while somebody asks.
func TestReloadWithoutGap(t *testing.T) {
	c := world()
	s := newServer(t, c)
	addr := serve(t, s)
	stop := make(chan struct{})
	var reloading sync.WaitGroup
	reloading.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := s.Reload(c); err != nil {
				t.Error(err)
			}
		}
	})
	for range 500 {
		if !answers(t, addr, "udp") {
			t.Fatal("got no answer during a reload")
		}
	}
	if !answers(t, addr, "tcp") {
		t.Error("got no answer over TCP during a reload")
	}
	close(stop)
	reloading.Wait()
	c.Zones = append(slices.Clone(c.Zones), c.Zones[0])
	if err := s.Reload(c); err == nil || !answers(t, addr, "udp") {
		t.Errorf("got %v for a wrong configuration, want an error and the old one served", err)
	}
}

func TestListenErrors(t *testing.T) {
	addr := serve(t, newServer(t, world()))
	for want, at := range map[string]netip.AddrPort{
		"another program has this port":        addr,
		"this host does not have this address": netip.MustParseAddrPort("192.0.2.77:5353"),
	} {
		c := world()
		c.Listen = []netip.AddrPort{loopback, at}
		err := newServer(t, c).Listen()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", at, err, want)
		}
	}
}

// TestOverlap reloads from one address to all with the same port.
func TestOverlap(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("others let both listen")
	}
	c := world()
	s := newServer(t, c)
	addr := serve(t, s)
	c.Listen = []netip.AddrPort{addr}
	other := newServer(t, c)
	if err := other.Listen(); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("got %v for another server at the same address", err)
	}
	s.mu.Lock()
	s.listeners = map[netip.AddrPort]*listener{addr: s.listeners[loopback]} // as if the port had been in the configuration
	s.mu.Unlock()
	c.Listen = []netip.AddrPort{netip.AddrPortFrom(netip.IPv4Unspecified(), addr.Port())}
	if err := s.Reload(c); err == nil || !strings.Contains(err.Error(), "where this server listens: that change takes a restart") {
		t.Errorf("got %v, want an error that says what is in the way", err)
	}
	if !answers(t, addr, "udp") {
		t.Errorf("got no answer after the reload that failed")
	}
}

// TestEveryAddress listens at all addresses, and is answered from the one that was asked.
func TestEveryAddress(t *testing.T) {
	for _, all := range []string{"0.0.0.0:0", "[::]:0"} {
		c := world()
		c.Listen = []netip.AddrPort{netip.MustParseAddrPort(all)}
		s := newServer(t, c)
		if err := s.Listen(); err != nil {
			t.Skipf("this host has no such family: %v", err)
		}
		s.Close()
		addr := serve(t, s)
		host := netip.MustParseAddr("127.0.0.1")
		if runtime.GOOS == "linux" {
			host = netip.MustParseAddr("127.9.8.7")
		}
		if addr.Addr().Is6() {
			host = netip.IPv6Loopback()
		}
		if !answers(t, netip.AddrPortFrom(host, addr.Port()), "udp") {
			t.Errorf("%s: got no answer from %s", all, host)
		}
	}
}

func TestRateLimit(t *testing.T) {
	c := world()
	c.Rate.Answers = 5
	c.Rate.Exempt = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	put(t, c.Values, auth, "www.auth.example.net.", "one")
	s := newServer(t, c)
	ask := func(from, name string, cookie string, tcp bool) (full, cutOff, none int) {
		q := new(dns.Msg).SetQuestion(name, dns.TypeTXT)
		if cookie != "" {
			addOption(q, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: cookie})
		}
		packed, _ := q.Pack()
		for range 25 {
			answer, _, _ := s.quick(nil, packed, netip.AddrPortFrom(netip.MustParseAddr(from), 53), tcp)
			m := new(dns.Msg)
			switch {
			case answer == nil:
				none++
			case m.Unpack(answer) != nil || m.Truncated && len(m.Answer) == 0:
				cutOff++
			default:
				full++
			}
		}
		return full, cutOff, none
	}
	cookie := hex.EncodeToString(s.cookies.answer([]byte("12345678"), netip.MustParseAddr("198.51.100.9")))
	for _, test := range []struct {
		from, name, cookie string
		tcp, limited       bool
	}{
		{"198.51.100.1", "www.auth.example.net.", "", false, true},
		{"198.51.100.2", "none.auth.example.net.", "", false, true},
		{"198.51.100.1", "www.auth.example.net.", "", true, false},
		{"198.51.100.9", "www.auth.example.net.", cookie, false, false},
		{"203.0.113.1", "www.auth.example.net.", "", false, false},
	} {
		full, cutOff, none := ask(test.from, test.name, test.cookie, test.tcp)
		if test.limited != (cutOff > 5 && none > 5 && full >= 5 && full < 10) || !test.limited && full != 25 {
			t.Errorf("%s %s: got %d answers, %d cut off, %d none", test.from, test.name, full, cutOff, none)
		}
	}
	l := newLimiter(Rate{Answers: 5})
	now := time.Now()
	from := netip.MustParseAddr("198.51.100.1")
	for range 20 {
		l.judge(from, content{}, "a", now)
	}
	if l.judge(from, content{}, "a", now) == send || l.judge(from, content{}, "a", now.Add(time.Second)) != send {
		t.Errorf("a second later there is nothing new to spend")
	}
}
