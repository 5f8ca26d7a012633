package api_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"certctl/nameserver/api"
)

var anyPort = netip.MustParseAddrPort("127.0.0.1:0")

func listen(addr netip.AddrPort) (net.Listener, error) { return net.Listen("tcp", addr.String()) }

// serve runs a server until end is called.
func serve(t *testing.T, f api.Face) (s *api.Server, end func()) {
	t.Helper()
	s = new(api.Server)
	if err := s.Open(f.Listen, listen); err != nil {
		t.Fatal(err)
	}
	s.Switch(f)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	return s, func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the end: got %v", err)
		}
	}
}

// get returns what is at a URL, or the error.
func get(client *http.Client, url string) string {
	r, err := client.Get(url)
	if err != nil {
		return err.Error()
	}
	defer r.Body.Close()
	text, _ := io.ReadAll(r.Body)
	return string(text)
}

func saying(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) })
}

// TestSwitch changes the sockets of a server: who is being answered at one that
// goes gets his answer, and the new one is there before the old one is not.
func TestSwitch(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-goOn
		io.WriteString(w, "slow")
	})
	s, end := serve(t, api.Face{Handler: slow, Listen: []netip.AddrPort{anyPort}})
	old := "http://" + s.Addrs()[0].String()
	answered := make(chan string)
	go func() { answered <- get(new(http.Client), old) }()
	<-begun

	second := netip.MustParseAddrPort("[::ffff:127.0.0.1]:0")
	if err := s.Open([]netip.AddrPort{second}, listen); err != nil {
		t.Fatal(err)
	}
	if got := s.Addrs(); len(got) != 2 {
		t.Fatalf("got %v before the switch, want two sockets", got)
	}
	s.Switch(api.Face{Handler: saying("new"), Listen: []netip.AddrPort{second}})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if got := get(client, "http://"+s.Addrs()[0].String()); got != "new" {
		t.Errorf("got %q at the new socket", got)
	}
	until(t, func() bool { _, err := net.Dial("tcp", old[len("http://"):]); return err != nil })
	close(goOn)
	if got := <-answered; got != "slow" {
		t.Errorf("got %q from a request that was under way", got)
	}
	end()
}

// TestOpenAllOrNone has one of two sockets that cannot be opened: all stays as
// it was.
func TestOpenAllOrNone(t *testing.T) {
	s, end := serve(t, api.Face{Handler: saying("old"), Listen: []netip.AddrPort{anyPort}})
	defer end()
	at := s.Addrs()[0]
	broken := errors.New("broken")
	var first net.Listener
	err := s.Open([]netip.AddrPort{anyPort, netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddrPort("127.0.0.1:2")}, func(addr netip.AddrPort) (net.Listener, error) {
		if addr.Port() == 2 {
			return nil, broken
		}
		var err error
		first, err = listen(anyPort)
		return first, err
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want the error", err)
	}
	if _, err := first.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v from the other new socket, want it closed", err)
	}
	if got := s.Addrs(); len(got) != 1 || got[0] != at || get(new(http.Client), "http://"+at.String()) != "old" {
		t.Errorf("got %v, want the old socket only", got)
	}
}

// TestSwitchCertificate gives a server a certificate while it runs.
func TestSwitchCertificate(t *testing.T) {
	f := api.Face{Handler: saying("here"), Listen: []netip.AddrPort{anyPort}}
	s, end := serve(t, f)
	defer end()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	if got := get(client, "http://"+s.Addrs()[0].String()); got != "here" {
		t.Errorf("got %q without a certificate", got)
	}
	dir := t.TempDir()
	f.Certificate = &api.Certificate{Chain: filepath.Join(dir, "chain"), Key: filepath.Join(dir, "key")}
	write(t, f.Certificate, 7)
	s.Switch(f)
	if got := get(client, "https://"+s.Addrs()[0].String()); got != "here" {
		t.Errorf("got %q with a certificate", got)
	}
	if got := get(client, "http://"+s.Addrs()[0].String()); got == "here" {
		t.Errorf("got an answer without TLS")
	}
}

// until waits for something.
func until(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen")
		}
	}
}

// TestFullHouse has clients of many addresses take all connections: one more is
// closed, and when one leaves there is room.
func TestFullHouse(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is one loopback address only")
	}
	s, end := serve(t, api.Face{Handler: saying("here"), Listen: []netip.AddrPort{anyPort}})
	defer end()
	dial := func(from string) net.Conn {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		c, err := d.Dial("tcp", s.Addrs()[0].String())
		if errors.Is(err, syscall.EMFILE) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	answered := func(c net.Conn) bool {
		c.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		_, err := c.Read(make([]byte, 1))
		return err == nil
	}
	var all []net.Conn
	for n := range 512 {
		c := dial(fmt.Sprintf("127.97.0.%d", 1+n/64))
		if !answered(c) {
			t.Fatalf("connection %d is not served", n)
		}
		if all = append(all, c); len(all) == 64 && answered(dial("127.97.0.1")) {
			t.Errorf("one address has more than 64")
		}
	}
	if answered(dial("127.97.1.1")) {
		t.Errorf("one more is served than there is room for")
	}
	if !answered(all[0]) {
		t.Errorf("the first is not served any more")
	}
	all[0].Close()
	until(t, func() bool { return answered(dial("127.97.1.1")) })
}
