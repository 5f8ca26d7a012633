package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"certctl/dns01"
)

// transport answers without a network, with the answers one after the other, and
// then with 200.
type transport struct {
	answers []func() *http.Response
	asked   int
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.asked++; t.asked <= len(t.answers) {
		return t.answers[t.asked-1](), nil
	}
	return answer(200, "", nil), nil
}

func answer(status int, body string, h http.Header) *http.Response {
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// after has fields written when a request is answered.
func after(status int, body string, fields func() http.Header) func() *http.Response {
	return func() *http.Response { return answer(status, body, fields()) }
}

func field(name, value string) func() http.Header {
	return func() http.Header { return http.Header{name: {value}} }
}

// in is a time as seconds since 1970.
func in(d time.Duration) string { return fmt.Sprint(time.Now().Add(d).Unix()) }

func begin(answers ...func() *http.Response) (*transport, *Client) {
	u, _ := parse("https://dns.example.com")
	t := &transport{answers: answers}
	return t, &Client{base: u, client: &http.Client{Transport: t}}
}

// bubble runs a test in a time of its own, long after 1970.
func bubble(t *testing.T, test func(*testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(10 * 365 * 24 * time.Hour)
		test(t)
	})
}

var write = Request{Method: http.MethodPost, Path: "x"}

// Services have many ways to say when to come back, or none.
func TestPauses(t *testing.T) {
	none := func() http.Header { return nil }
	for name, test := range map[string]struct {
		answer func() *http.Response
		want   time.Duration
	}{
		"deSEC": {after(429, `{"detail": "Request was throttled. Expected available in 42 seconds."}`, field("Retry-After", "42")), 42 * time.Second},
		"a date": {after(429, "", func() http.Header {
			return http.Header{"Retry-After": {time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)}}
		}), 90 * time.Second},
		"Cloudflare": {after(429, "", field("Retry-After", "300")), 5 * time.Minute},
		"Hetzner, which gives one back each second": {after(429, `{"error": {"code": "rate_limit_exceeded"}}`, func() http.Header {
			return http.Header{"Ratelimit-Limit": {"3600"}, "Ratelimit-Remaining": {"0"}, "Ratelimit-Reset": {in(time.Hour)}}
		}), time.Second},
		"DigitalOcean": {after(429, "", func() http.Header { return http.Header{"Ratelimit-Reset": {in(30 * time.Second)}} }), 30 * time.Second},
		"Linode": {after(429, "", func() http.Header {
			return http.Header{"Retry-After": {"60"}, "X-Ratelimit-Reset": {in(2 * time.Minute)}}
		}), time.Minute},
		"seconds until then": {after(429, "", field("X-Ratelimit-Reset", "20")), 20 * time.Second},
		"Porkbun":            {after(503, "<html><title>503 Service Temporarily Unavailable</title>", none), time.Second},
		"Gandi, NS1":         {after(429, "", none), time.Second},
		"in the past":        {after(429, "", field("Retry-After", "Mon, 01 Jan 2001 00:00:00 GMT")), 0},
		"nonsense":           {after(429, "", field("Retry-After", "soon")), time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var told []dns01.Busy
				ctx := dns01.WithBusy(t.Context(), func(b dns01.Busy) { told = append(told, b) })
				_, c := begin(test.answer)
				began := time.Now()
				_, err := c.Do(ctx, write)
				took := time.Since(began)
				if err != nil || took < test.want || took > test.want+test.want/8+time.Nanosecond {
					t.Errorf("got %v after %v, want nil after %v", err, took, test.want)
				}
				if (len(told) == 1) != (test.want >= noticed) {
					t.Errorf("got told %v, want a word about all of %v and more", told, noticed)
				}
			})
		})
	}
}

// A service that says with another status that it is too busy is asked again too.
func TestThrottling(t *testing.T) {
	bubble(t, func(t *testing.T) {
		throttled := after(400, "Throttling", func() http.Header { return nil })
		w, c := begin(throttled, throttled, throttled)
		r := write
		r.Busy = func(e *StatusError) bool { return e.Body == "Throttling" }
		began := time.Now()
		if _, err := c.Do(t.Context(), r); err != nil || w.asked != 4 || time.Since(began) < 7*time.Second {
			t.Errorf("got %v after %d requests in %v, want nil after 4 in 1, 2 and 4 s", err, w.asked, time.Since(began))
		}
	})
}

// Nobody waits for ever: not longer than it is worth, not longer than the caller
// does, and not more often than a few times.
func TestImpatience(t *testing.T) {
	always := func(text string) []func() *http.Response {
		var all []func() *http.Response
		for range 10 {
			all = append(all, after(429, "", field("Retry-After", text)))
		}
		return all
	}
	for name, test := range map[string]struct {
		after   string
		patient time.Duration // the caller
		asked   int
		most    time.Duration
	}{
		"not worth it":    {"3600", 0, 1, 0},
		"not that long":   {"60", 10 * time.Second, 1, 0},
		"not so often":    {"60", 0, requests, 6 * time.Minute},
		"not at once":     {"0", 0, requests, 0},
		"a part of it":    {"20", 30 * time.Second, 2, 30 * time.Second},
		"the worst there": {"360", 0, requests, 36 * time.Minute},
	} {
		bubble(t, func(t *testing.T) {
			ctx := t.Context()
			if test.patient > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, test.patient)
				defer cancel()
			}
			w, c := begin(always(test.after)...)
			began := time.Now()
			_, err := c.Do(ctx, write)
			if e, ok := errors.AsType[*StatusError](err); !ok || !strings.HasPrefix(e.Hint(), "it is too busy: try again in ") {
				t.Errorf("%s: got %v, want that it is too busy", name, err)
			}
			if took := time.Since(began); w.asked != test.asked || took > test.most {
				t.Errorf("%s: got %d requests in %v, want %d in at most %v", name, w.asked, took, test.asked, test.most)
			}
		})
	}
}

// Who is interrupted while waiting ends at once.
func TestInterruption(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		_, c := begin(after(429, "", field("Retry-After", "60")))
		began := time.Now()
		_, err := c.Do(ctx, write)
		if took := time.Since(began); !errors.Is(err, context.Canceled) || took != 3*time.Second {
			t.Errorf("got %v after %v, want the interruption after 3 s", err, took)
		}
	})
}

// What was refused, asks only, or was not sent has changed nothing. All else may
// have.
func TestWritten(t *testing.T) {
	for _, test := range []struct {
		status  int
		request Request
		want    bool // that nothing is written
	}{
		{403, write, true},
		{404, write, true},
		{429, write, true},
		{200, write, false},
		{408, write, false},
		{500, write, false},
		{503, write, false},
		{200, Request{Method: http.MethodGet}, true},
		{200, Request{Method: http.MethodPost, Asks: true}, true},
		{500, Request{Method: http.MethodDelete}, false},
	} {
		_, c := begin(after(test.status, "", field("Retry-After", "3600")))
		ctx, attempt := dns01.Attempting(t.Context())
		_, _ = c.Do(ctx, test.request)
		_, nothing := errors.AsType[*dns01.UnwrittenError](attempt.Err(errors.New("no")))
		if nothing != test.want {
			t.Errorf("%s with %d: got nothing written %t", test.request.Method, test.status, nothing)
		}
	}
}
