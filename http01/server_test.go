package http01

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"certctl/listen"
)

var answers = []Answer{{"token-1", "token-1.thumb"}, {"token-2", "token-2.thumb"}}

func serve(t *testing.T, addresses ...string) *Server {
	t.Helper()
	s, err := Serve(t.Context(), addresses, answers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func do(t *testing.T, s *Server, method, path string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, "http://"+s.Addrs()[0].String()+path, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "example.com"
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

func TestServe(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	const well = "/.well-known/acme-challenge/"
	for _, test := range []struct {
		method, path string
		status       int
		text         string
	}{
		{"GET", well + "token-1", 200, "token-1.thumb"},
		{"GET", well + "token-2", 200, "token-2.thumb"},
		{"GET", well + "token-2?x=1", 200, "token-2.thumb"},
		{"HEAD", well + "token-1", 200, ""},
		{"POST", well + "token-1", 405, "method not allowed\n"},
		{"PUT", well + "token-1", 405, "method not allowed\n"},
		{"DELETE", well + "token-1", 405, "method not allowed\n"},
		{"GET", well + "token-3", 404, "404 page not found\n"},
		{"GET", well + "TOKEN-1", 404, "404 page not found\n"},
		{"GET", well + "token-1/", 404, "404 page not found\n"},
		{"GET", well, 404, "404 page not found\n"},
		{"GET", "/", 404, "404 page not found\n"},
		{"GET", "/.well-known/x/../acme-challenge/token-1", 404, "404 page not found\n"},
		{"GET", "//.well-known/acme-challenge/token-1", 404, "404 page not found\n"},
	} {
		response, text := do(t, s, test.method, test.path)
		if response.StatusCode != test.status || text != test.text {
			t.Errorf("%s %s: got %d %q, want %d %q", test.method, test.path, response.StatusCode, text, test.status, test.text)
		}
		if got, want := response.Header.Get("Content-Type"), "application/octet-stream"; test.status == 200 && got != want {
			t.Errorf("%s %s: got %q, want %q", test.method, test.path, got, want)
		}
		if allow := response.Header.Get("Allow"); (test.status == 405) != (allow == "GET, HEAD") {
			t.Errorf("%s %s: got Allow %q", test.method, test.path, allow)
		}
	}
}

func TestServeBothFamilies(t *testing.T) {
	s := serve(t, "127.0.0.1:0", "[::1]:0")
	for _, a := range s.Addrs() {
		response, err := http.Get("http://" + a.String() + "/.well-known/acme-challenge/token-1")
		if err != nil || response.StatusCode != 200 {
			t.Fatalf("%s: got %v, %v", a, response, err)
		}
		_ = response.Body.Close()
	}
	if len(s.Addrs()) != 2 {
		t.Errorf("got %v, want two addresses", s.Addrs())
	}
}

func TestServeInUse(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	_, err := Serve(t.Context(), []string{s.Addrs()[0].String()}, answers)
	e, ok := errors.AsType[*listen.Error](err)
	if !ok || !strings.Contains(e.Hint(), "--webroot-path") {
		t.Errorf("got %v, want a hint at the webroot", err)
	}
}

// A server that is closed at once has not begun to serve. Its port is free.
func TestCloseAtOnce(t *testing.T) {
	address := "127.0.0.1:0"
	for range 20 {
		s, err := Serve(t.Context(), []string{address}, answers)
		if err != nil {
			t.Fatal(err)
		}
		address = s.Addrs()[0].String()
		s.Close()
	}
}

// Clients that say nothing keep nobody else out, and do not keep the server
// from ending.
func TestServeFlood(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	address := s.Addrs()[0].String()
	var slow []net.Conn
	for range 400 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		slow = append(slow, c)
		_, _ = io.WriteString(c, "GET /.well-known/")
	}
	if response, text := do(t, s, "GET", "/.well-known/acme-challenge/token-1"); response.StatusCode != 200 || text != "token-1.thumb" {
		t.Errorf("got %d %q", response.StatusCode, text)
	}
	start := time.Now()
	s.Close()
	if took := time.Since(start); took > 3*farewell {
		t.Errorf("it took %v to end", took)
	}
	_ = slow[399].SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := slow[399].Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v for a connection after the end", err)
	}
}

// A client that is too slow with its request is left.
func TestServeSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		s := start([]net.Listener{&one{c: server}}, answers)
		defer s.Close()
		fmt.Fprint(client, "GET / HTTP/1.1\r\nHost: ")
		begun := time.Now()
		_, err := client.Read(make([]byte, 1))
		if took := time.Since(begun); !errors.Is(err, io.EOF) || took != patience {
			t.Errorf("got %v after %v, want an end after %v", err, took, patience)
		}
	})
}

// one is a listener with one connection.
type one struct{ c net.Conn }

func (o *one) Accept() (c net.Conn, err error) {
	if c, o.c = o.c, nil; c != nil {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (o *one) Close() error   { return nil }
func (o *one) Addr() net.Addr { return &net.TCPAddr{} }

func TestTokens(t *testing.T) {
	for _, token := range []string{"", ".", "..", "../x", "a/b", `a\b`, "a.b", "a b", "ä", "a\x00", "a%2fb", strings.Repeat("a", 201)} {
		wrong := []Answer{answers[0], {token, "x"}}
		if s, err := Serve(t.Context(), []string{"127.0.0.1:0"}, wrong); err == nil {
			s.Close()
			t.Errorf("Serve takes the token %q", token)
		}
		if _, err := Plan(t.TempDir(), wrong); err == nil {
			t.Errorf("Plan takes the token %q", token)
		}
	}
}

func TestServeManyAtOnce(t *testing.T) {
	s := serve(t, "127.0.0.1:0")
	var w sync.WaitGroup
	for range 50 {
		w.Go(func() {
			response, err := http.Get("http://" + s.Addrs()[0].String() + "/.well-known/acme-challenge/token-2")
			if err != nil {
				t.Error(err)
				return
			}
			_ = response.Body.Close()
		})
	}
	w.Wait()
}
