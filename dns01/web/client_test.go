package web_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"certctl/dns01"
	"certctl/dns01/web"
)

const token = "t0ken-that-must-not-show"

func request(body any) web.Request {
	return web.Request{
		Method: http.MethodPost, Path: "present", Body: body,
		Header: http.Header{"Authorization": {"Bearer " + token}}, Secrets: []string{token},
	}
}

// serve returns a client for a service that answers in this way.
func serve(t *testing.T, answer http.HandlerFunc) *web.Client {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	c, err := web.NewClient(s.URL+"/secret-path", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestURLs(t *testing.T) {
	tests := []struct{ url, want string }{
		{"", "url: it is missing"},
		{"https://dns.example.com/api", "<nil>"},
		{"http://127.0.0.1:8080", "<nil>"},
		{"http://[::1]:8080", "<nil>"},
		{"http://localhost/x", "<nil>"},
		{"http://dns.example.com", "url: https is needed: only on this host itself may a secret go over plain http, and dns.example.com is not"},
		{"http://localhost.example.com", "url: https is needed: only on this host itself may a secret go over plain http, and localhost.example.com is not"},
		{"http://127.0.0.1.example.com", "url: https is needed: only on this host itself may a secret go over plain http, and 127.0.0.1.example.com is not"},
		{"ftp://dns.example.com", "url: a URL is expected, like https://dns.example.com/api"},
		{"dns.example.com", "url: a URL is expected, like https://dns.example.com/api"},
		{"https://u:" + token + "@dns.example.com", "url: it has a user name or password in it: there are keys for them"},
		{"https://dns.example.com/?k=" + token, "url: it must end with the path, without ? and #"},
		{"https://dns.example.com/%zz" + token, "url: a URL is expected, like https://dns.example.com/api"},
	}
	for _, test := range tests {
		if _, err := web.NewClient(test.url, "", 0); fmt.Sprint(err) != test.want {
			t.Errorf("%s: got %v, want %s", test.url, err, test.want)
		}
	}
}

func TestRequest(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, r.Method, " ", r.URL.Path, " ", r.Header.Get("Content-Type"), " ", string(body))
	})
	got, err := c.Do(t.Context(), request(map[string]string{"a": "b"}))
	if want := `POST /secret-path/present application/json {"a":"b"}`; string(got) != want || err != nil {
		t.Errorf("got %q and %v, want %q", got, err, want)
	}
}

// The service's answer is repeated, without what it repeats of ours.
func TestStatus(t *testing.T) {
	tests := []struct {
		status  int
		want    string
		refusal bool
		hint    string
	}{
		{400, "400 Bad Request: no [secret]", true, ""},
		{401, "401 Unauthorized: no [secret]", true, "compare the credential"},
		{403, "403 Forbidden: no [secret]", true, "compare the credential"},
		{404, "404 Not Found: no [secret]", true, "compare url:"},
		{307, "307 Temporary Redirect: no [secret]", false, "redirects are not followed"},
		{409, "409 Conflict: no [secret]", true, "somebody else changes the zone"},
		{500, "500 Internal Server Error: no [secret]", false, "that is the service's own failure"},
		{429, "429 Too Many Requests: no [secret]", false, "it is too busy"},
	}
	for _, test := range tests {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(test.status)
			fmt.Fprintln(w, "no", token)
		})
		_, err := c.Do(t.Context(), request(nil))
		if want := c.Server() + " answered " + test.want; fmt.Sprint(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if r, ok := errors.AsType[dns01.Refusal](err); ok != test.refusal {
			t.Errorf("status %d: got refusal %v, want %t", test.status, r, test.refusal)
		}
		if h, ok := errors.AsType[interface {
			error
			Hint() string
		}](err); !ok || !strings.HasPrefix(h.Hint(), test.hint) {
			t.Errorf("status %d: got no hint like %q", test.status, test.hint)
		}
	}
}

func TestNoAnswer(t *testing.T) {
	block := make(chan struct{})
	slow := serve(t, func(w http.ResponseWriter, r *http.Request) { <-block })
	defer close(block)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := slow.Do(ctx, request(nil)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow: got %v, want %v", err, context.DeadlineExceeded)
	}

	cut := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "short")
	})
	if _, err := cut.Do(t.Context(), request(nil)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut: got %v, want %v", err, io.ErrUnexpectedEOF)
	}

	s := httptest.NewServer(nil)
	s.Close()
	gone, err := web.NewClient(s.URL, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = gone.Do(t.Context(), request(nil))
	if _, ok := errors.AsType[*dns01.UnwrittenError](err); !ok {
		t.Errorf("nobody there: got %v, want an UnwrittenError", err)
	}
}

func TestOwnTimeout(t *testing.T) {
	block := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-block }))
	defer s.Close()
	defer close(block)
	c, err := web.NewClient(s.URL, "", 20*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Do(t.Context(), request(nil))
	if want := s.URL + ": no answer within 20ms"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A private authority's roots are needed, and enough.
func TestRoots(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer s.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for roots, want := range map[string]string{file: "", "": "set ca_file:"} {
		c, err := web.NewClient(s.URL, roots, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Do(t.Context(), request(nil))
		e, _ := errors.AsType[*web.FailedError](err)
		if (err == nil) != (want == "") || e != nil && !strings.HasPrefix(e.Hint(), want) {
			t.Errorf("roots %q: got %v, want a hint like %q", roots, err, want)
		}
	}
}
