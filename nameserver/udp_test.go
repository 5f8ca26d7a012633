package nameserver

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// TestBurst has packets of several clients wait before the server reads any, so
// that it reads many at once: each client gets the answers to its own questions.
func TestBurst(t *testing.T) {
	c := world()
	for n := range 50 {
		put(t, c.Values, auth, delegation.Name(fmt.Sprintf("n%d.auth.example.net.", n)), fmt.Sprint(n))
	}
	seen := &counting{names: map[delegation.Name]int{}}
	c.Observer = seen
	s := newServer(t, c)
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	var clients []*dns.Conn
	for from := range 5 {
		conn, err := net.Dial("udp", s.Addrs()[0].String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		clients = append(clients, &dns.Conn{Conn: conn, UDPSize: 4096})
		for n := range 10 {
			q := new(dns.Msg).SetQuestion(fmt.Sprintf("n%d.auth.example.net.", 10*from+n), dns.TypeTXT)
			q.Id = uint16(100*from + n)
			if n == 3 {
				addOption(q, &dns.EDNS0_LOCAL{Code: 65400}) // goes the slow way
			}
			if err := clients[from].WriteMsg(q); err != nil {
				t.Fatal(err)
			}
		}
		conn.Write([]byte("what?"))
		conn.Write(binaryNonsense(5000)) // read in part, and malformed
	}
	ctx, cancel := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	serving.Go(func() { s.Serve(ctx) })
	for from, conn := range clients {
		expectOwn(t, conn, from)
	}
	cancel()
	serving.Wait()
	for n := range 50 {
		if name := delegation.Name(fmt.Sprintf("n%d.auth.example.net.", n)); seen.names[name] != 1 {
			t.Errorf("%s was observed %d times, want once", name, seen.names[name])
		}
	}
}

// expectOwn reads the answers to ten questions and that to what is malformed.
func expectOwn(t *testing.T, conn *dns.Conn, from int) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	var ids []uint16
	for range 11 {
		m, err := conn.ReadMsg()
		if err != nil {
			t.Fatalf("client %d: %v after %v", from, err, ids)
		}
		ids = append(ids, m.Id)
		if m.Rcode == dns.RcodeFormatError {
			continue
		}
		want := fmt.Sprint(10*from + int(m.Id)%100)
		if len(m.Answer) != 1 || m.Answer[0].(*dns.TXT).Txt[0] != want || m.Question[0].Name != "n"+want+".auth.example.net." {
			t.Errorf("client %d: got %v, want %s", from, m, want)
		}
	}
	slices.Sort(ids)
	for n := range 10 {
		if !slices.Contains(ids, uint16(100*from+n)) {
			t.Errorf("client %d: got answers to %v, want %d among them", from, ids, 100*from+n)
		}
	}
}

// binaryNonsense returns a message that is none, and no answer either.
func binaryNonsense(n int) []byte {
	all := slices.Repeat([]byte{0x7F}, n)
	copy(all, []byte{0xFF, 0xFF, 0x00})
	return all
}

// counting counts queries by name.
type counting struct {
	mu    sync.Mutex
	names map[delegation.Name]int
}

func (c *counting) Observe(list ...Query) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, q := range list {
		c.names[q.Name]++
	}
}

// TestBothFamilies adopts a socket for IPv4 and IPv6, as systemd opens them: it
// answers from the address that was asked, in either.
func TestBothFamilies(t *testing.T) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv6unspecified})
	if err != nil {
		t.Skip(err)
	}
	port := conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	f, err := conn.File()
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	s := newServer(t, world())
	if err := s.Adopt([]*os.File{f}); err != nil {
		t.Fatal(err)
	}
	serve(t, s)
	for _, host := range []string{"127.0.0.1", "127.9.8.7", "::1"} {
		if host == "127.9.8.7" && runtime.GOOS != "linux" {
			continue
		}
		if !answers(t, netip.AddrPortFrom(netip.MustParseAddr(host), port), "udp") {
			t.Errorf("got no answer from %s", host)
		}
	}
}

// BenchmarkUDP measures a question and its answer over the loopback interface,
// of which 32 are under way at a time, beside a server that says what it hears.
func BenchmarkUDP(b *testing.B) {
	c := world()
	put(b, c.Values, auth, "www.auth.example.net.", "one")
	question, _ := new(dns.Msg).SetQuestion("www.auth.example.net.", dns.TypeTXT).SetEdns0(1232, false).Pack()
	b.Run("certctl", func(b *testing.B) { askMany(b, serve(b, newServer(b, c)), question) })
	b.Run("echo", func(b *testing.B) {
		conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(loopback))
		if err != nil {
			b.Fatal(err)
		}
		var echoing sync.WaitGroup
		defer echoing.Wait()
		defer conn.Close()
		echoing.Go(func() {
			buf := make([]byte, largestQuestion)
			for {
				n, from, err := conn.ReadFromUDPAddrPort(buf)
				if err != nil {
					return
				}
				conn.WriteToUDPAddrPort(buf[:n], from)
			}
		})
		askMany(b, conn.LocalAddr().(*net.UDPAddr).AddrPort(), question)
	})
}

func askMany(b *testing.B, addr netip.AddrPort, question []byte) {
	conn, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	const window = 32
	buf := make([]byte, largestQuestion)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		conn.Write(question)
		if n < window {
			continue
		}
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := conn.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
}
