package acme

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestServerErrors(t *testing.T) {
	good := newFake([]string{"example.com"}, nil).script["/new-order"][0]
	broken := reply{status: 500, body: fakeProblem("serverInternal", "oops")}
	soon := reply{status: 503, header: map[string]string{"Retry-After": "5"}, body: "busy"}
	late := reply{status: 503, header: map[string]string{"Retry-After": "60"}, body: "busy"}
	limited := reply{status: 429, header: map[string]string{"Retry-After": "1"}, body: fakeProblem("rateLimited", "slow down")}
	nonce := reply{status: 400, body: fakeProblem("badNonce", "stale")}
	for _, test := range []struct {
		name    string
		replies []reply
		tries   int
		took    time.Duration
		want    string // error
	}{
		{"once", []reply{broken, good}, 2, 250 * time.Millisecond, ""},
		{"three times", []reply{broken, broken, broken, good}, 4, 1750 * time.Millisecond, ""},
		{"always", []reply{broken}, 4, 1750 * time.Millisecond, "new order: serverInternal: oops"},
		{"short Retry-After", []reply{soon, good}, 2, 5 * time.Second, ""},
		{"long Retry-After", []reply{late, good}, 1, 0, "new order: HTTP 503 Service Unavailable: busy (come back at "},
		{"rate limit", []reply{limited, good}, 1, 0, "new order: rateLimited: slow down (come back at "},
		{"bad nonces", append(slices.Repeat([]reply{nonce}, 20), good), 21, 20 * time.Millisecond, ""},
		{"only bad nonces", []reply{nonce}, 31, 30 * time.Millisecond, "new order: badNonce: stale"},
		{"client's fault", []reply{{status: 403, body: fakeProblem("unauthorized", "no")}, good}, 1, 0, "new order: unauthorized: no"},
		{"web page", []reply{{status: 502, body: "<html>gateway</html>"}}, 4, 1750 * time.Millisecond, "new order: HTTP 502 Bad Gateway"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake([]string{"example.com"}, map[string][]reply{"/new-order": test.replies})
				a := f.account(t)
				start := time.Now()
				_, err := a.NewOrder(t.Context(), Request{Names: []string{"example.com"}})
				if took := time.Since(start); took != test.took {
					t.Errorf("took %v, want %v", took, test.took)
				}
				if tries := len(f.times("POST /new-order")); tries != test.tries {
					t.Errorf("got %d tries, want %d", tries, test.tries)
				}
				if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), test.want)) {
					t.Errorf("got %v, want %q", err, test.want)
				}
			})
		})
	}
}

// x/crypto's client, which fetches the certificate, meets the same server.
func TestServerErrorsOfClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(nil, map[string][]reply{"/certificate": {
			{status: 400, body: fakeProblem("badNonce", "stale")},
			{status: 500},
			{status: 429, header: map[string]string{"Retry-After": "7200"}, body: fakeProblem("rateLimited", "slow down")},
		}})
		a := f.account(t)
		start := time.Now()
		_, err := a.client.FetchCert(t.Context(), fakeURL+"/certificate", true)
		var p *Problem
		if !errors.As(fromClient(err), &p) || !p.RateLimited() || !p.RetryAfter.Equal(time.Now().Add(2*time.Hour)) {
			t.Errorf("got %v, want the rate limit with its time", err)
		}
		if took := time.Since(start); took != 501*time.Millisecond {
			t.Errorf("took %v, want 501 ms", took)
		}
		if f.agent != "certctl/test" {
			t.Errorf("got User-Agent %q, want ours", f.agent)
		}
	})
}

func TestRequests(t *testing.T) {
	f := newFake([]string{"example.com"}, nil)
	o, zs := f.validating(t, "example.com")
	if err := o.Validate(t.Context(), zs, nil); err != nil {
		t.Fatal(err)
	}
	want := []string{"GET /directory", "POST /new-order", "POST /authz/0", "POST /chall/0", "POST /order"}
	if !slices.Equal(f.asked, want) {
		t.Errorf("asked\n%s\nwant, as every answer carries a nonce,\n%s", strings.Join(f.asked, "\n"), strings.Join(want, "\n"))
	}
	if got, want := f.payloads["/chall/0"][0]+f.payloads["/authz/0"][0], "{}"; got != want {
		t.Errorf("got payloads %q, want %q: RFC 8555 §6.3, §7.5.1", got, want)
	}
}

// Every nonce is used once, also by many requests at once and by x/crypto's
// client, and no more are asked for than there are requests at once.
func TestNonces(t *testing.T) {
	names := manyNames(60)
	f := newFake(names, map[string][]reply{"/certificate": {{status: 404}}})
	f.script["/directory"][0].header = map[string]string{"Replay-Nonce": ""}
	o, zs := f.validating(t, names...)
	if err := o.Validate(t.Context(), zs, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Account.client.FetchCert(t.Context(), fakeURL+"/certificate", true); err == nil {
		t.Error("got a certificate from a 404")
	}
	if f.stale != 0 {
		t.Errorf("used %d nonces that were not good, want none", f.stale)
	}
	if reads := len(f.times("GET /directory")); reads != 1 {
		t.Errorf("read the directory %d times, want once", reads)
	}
	if heads := len(f.times("HEAD /nonce")); heads == 0 || heads > connections {
		t.Errorf("asked for %d nonces, want 1 to %d", heads, connections)
	}
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake([]string{"example.com"}, map[string][]reply{"/order": {{body: fakeOrder("pending", "example.com")}}})
		o, zs := f.validating(t, "example.com")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		if err := o.Validate(ctx, zs, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("took %v, want a minute", took)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where it is 2000-01-01
		now := time.Now()
		for value, want := range map[string]time.Time{
			"":                              {},
			"soon":                          {},
			"-1":                            {},
			"0":                             {},
			"7":                             now.Add(7 * time.Second),
			"99999999999999":                now.Add(365 * 24 * time.Hour),
			"Sat, 01 Jan 2000 00:02:00 GMT": now.Add(2 * time.Minute),
		} {
			if got := retryAfter(http.Header{"Retry-After": {value}}); !got.Equal(want) {
				t.Errorf("%q: got %v, want %v", value, got, want)
			}
		}
	})
}
