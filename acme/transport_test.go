package acme

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// flaky breaks the connections of some requests to Pebble, before or after they
// have done their work, or in the middle of the answer.
type flaky struct {
	next http.Handler
	how  string
	n    atomic.Int64
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.n.Add(1)%6 != 0 {
		f.next.ServeHTTP(w, r)
		return
	}
	switch f.how {
	case "before":
	case "after":
		f.next.ServeHTTP(httptest.NewRecorder(), r)
	case "within":
		answer := httptest.NewRecorder()
		f.next.ServeHTTP(answer, r)
		w.Header().Set("Content-Length", "100000")
		w.Write(answer.Body.Bytes())
	}
	panic(http.ErrAbortHandler) // closes the connection
}

func TestBrokenConnections(t *testing.T) {
	for _, how := range []string{"before", "after", "within"} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, HTTP/2 %v", how, http2), func(t *testing.T) {
				p := startPebble(t, pebbleOptions{})
				p.server.Close()
				front := &flaky{next: p.server.Config.Handler, how: how}
				server := httptest.NewUnstartedServer(front)
				server.EnableHTTP2 = http2
				server.Config.ErrorLog = log.New(io.Discard, "", 0)
				server.StartTLS()
				t.Cleanup(server.Close)
				p.config.Directory = server.URL + "/dir"
				names := manyNames(6)
				if _, err := issue(t.Context(), p.account(t), Request{Names: names}, newCSR(t, newKey(t), names...), nil); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestConnectionThatAlwaysBreaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries int
		reset := errors.New("connection reset by peer")
		next := roundTripper(func(*http.Request) (*http.Response, error) { tries++; return nil, reset })
		_, err := Dial(t.Context(), Config{Directory: fakeURL, Transport: next})
		if !errors.Is(err, reset) || tries != maxTries {
			t.Errorf("got %v after %d tries, want the connection's error after %d", err, tries, maxTries)
		}
	})
}

func TestEndlessAnswer(t *testing.T) {
	next := roundTripper(func(r *http.Request) (*http.Response, error) {
		res := answer(r, http.Header{}, nil)
		res.Body = io.NopCloser(endless{})
		return res, nil
	})
	_, err := Dial(t.Context(), Config{Directory: fakeURL, Transport: next})
	if err == nil || !strings.Contains(err.Error(), "answer of more than") {
		t.Errorf("got %v, want an error that it is too large", err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
