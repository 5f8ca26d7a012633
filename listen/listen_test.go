package listen

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for word, want := range map[string]string{
		":8080":            ":8080",
		"192.0.2.1":        "192.0.2.1:80",
		"2001:db8::1":      "[2001:db8::1]:80",
		"[2001:db8::1]":    "[2001:db8::1]:80",
		"192.0.2.1:81":     "192.0.2.1:81",
		"[2001:db8::1]:81": "[2001:db8::1]:81",
		"fd:3":             "fd:3",
	} {
		if got, err := Parse(word, 80); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", word, got, err, want)
		}
	}
	for _, word := range []string{"", "80", "example.com:80", ":http", ":65536", ":-1", "192.0.2.1:", "fd:", "fd:x", "http://192.0.2.1"} {
		if got, err := Parse(word, 80); err == nil {
			t.Errorf("%q: got %q, want an error", word, got)
		}
	}
}

// openAt opens addresses for the time of the test.
func openAt(t *testing.T, addresses ...string) []net.Listener {
	t.Helper()
	ls, err := Open(t.Context(), addresses)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, l := range ls {
			_ = l.Close()
		}
	})
	return ls
}

// Both families at one port, each on its own: neither takes the other's.
func TestOpenBothFamilies(t *testing.T) {
	ls := openAt(t, "0.0.0.0:0")
	port := ls[0].Addr().(*net.TCPAddr).Port
	ls = openAt(t, fmt.Sprintf("[::]:%d", port))
	if got := ls[0].Addr().(*net.TCPAddr).IP.String(); got != "::" {
		t.Errorf("got %s, want ::", got)
	}
}

func TestOpenInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	own := fmt.Sprintf("(process %d)", os.Getpid())
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for _, address := range []string{taken.Addr().String(), ":" + port, "0.0.0.0:" + port} {
		ls, err := Open(t.Context(), []string{"127.0.0.1:0", address})
		var e *Error
		if ls != nil || !errors.As(err, &e) || !errors.Is(err, syscall.EADDRINUSE) || e.Hint() == "" {
			t.Fatalf("%s: got %v, %v; want an *Error with a hint", address, ls, err)
		}
		if runtime.GOOS == "linux" && !strings.HasSuffix(e.Error(), own) {
			t.Errorf("%s: got %q, want %s at its end", address, e, own)
		}
	}
}

func TestOpenElsewhere(t *testing.T) {
	_, err := Open(t.Context(), []string{"203.0.113.1:0"})
	if !errors.Is(err, syscall.EADDRNOTAVAIL) || err.Error() != "listen on 203.0.113.1:0: this machine does not have the address" {
		t.Errorf("got %v", err)
	}
	for fd, want := range map[string]string{"fd:1": "is no listening socket", "fd:999": "bad file descriptor"} {
		if _, err := Open(t.Context(), []string{fd}); err == nil || !strings.HasPrefix(err.Error(), fd+": ") || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: got %v, want it to end in %q", fd, err, want)
		}
	}
}

// A socket that was handed over is used, and can be used again.
func TestOpenInherited(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range 2 {
		ls, err := Open(t.Context(), []string{fmt.Sprintf("fd:%d", f.Fd())})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := ls[0].Addr().String(), l.Addr().String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		_ = ls[0].Close()
	}
}

func TestHints(t *testing.T) {
	e := &Error{Address: ":80", Err: syscall.EACCES, Instead: "dance"}
	if got := e.Error(); got != "listen on :80: permission denied" {
		t.Errorf("got %q", got)
	}
	if got := e.Hint(); !strings.HasSuffix(got, ", or dance") || !strings.Contains(got, "CAP_NET_BIND_SERVICE") {
		t.Errorf("got %q", got)
	}
	if got := (&Error{Err: syscall.EADDRNOTAVAIL, Instead: "dance"}).Hint(); got != "" {
		t.Errorf("got %q", got)
	}
}

// However many connect and say nothing, the last one is served, and no more
// are open than allowed.
func TestBound(t *testing.T) {
	const limit = 4
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := bound(inner, limit).(*bounded)
	defer l.Close()
	var clients, servers []net.Conn
	for range 3 * limit {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		clients, servers = append(clients, c), append(servers, s)
	}
	if len(l.open) != limit {
		t.Errorf("got %d connections, want %d", len(l.open), limit)
	}
	for i, c := range clients[:2*limit] {
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("connection %d: got %v, want it closed", i, err)
		}
	}
	last := servers[len(servers)-1]
	if _, err := last.Write([]byte("x")); err != nil {
		t.Errorf("the last connection: %v", err)
	}
	for _, s := range servers {
		_ = s.Close()
	}
	if len(l.open) != 0 {
		t.Errorf("got %d connections after all were closed", len(l.open))
	}
}

func TestParseLocal(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F:1F90":                         "127.0.0.1:8080",
		"00000000:0050":                         "0.0.0.0:80",
		"00000000000000000000000001000000:01BB": "[::1]:443",
		"0000000000000000FFFF00000100007F:0050": "[::ffff:127.0.0.1]:80",
		"B80D0120000000000000000001000000:0050": "[2001:db8::1]:80",
	} {
		if got, ok := parseLocal(text); !ok || got.String() != want {
			t.Errorf("%s: got %s, %t; want %s", text, got, ok, want)
		}
	}
	for _, text := range []string{"", ":", "01:0050", "0100007F", "0100007F:x", "zz"} {
		if got, ok := parseLocal(text); ok {
			t.Errorf("%q: got %s, want none", text, got)
		}
	}
}
