package token_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"certctl/dns01/token"
	"certctl/dns01/web"
)

// counting gives tokens that are good for an hour, and counts them.
func counting(n *int) func(context.Context) (token.Token, error) {
	return func(context.Context) (token.Token, error) {
		*n++
		return token.Token{Text: fmt.Sprintf("token-%d", *n), Expires: time.Now().Add(time.Hour)}, nil
	}
}

// A token is kept until shortly before its end.
func TestKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n int
		s := token.NewSource(counting(&n))
		for _, test := range []struct {
			wait time.Duration
			want string
		}{
			{0, "token-1"},
			{58 * time.Minute, "token-1"},
			{90 * time.Second, "token-2"}, // half a minute before the end of the first
			{0, "token-2"},
		} {
			time.Sleep(test.wait)
			if got, err := s.Token(t.Context()); err != nil || got.Text != test.want {
				t.Errorf("after %v: got %s and %v, want %s", test.wait, got.Text, err, test.want)
			}
		}
	})
}

// An error is not kept, and neither is one in the place of a token.
func TestNotKept(t *testing.T) {
	no := errors.New("no")
	tries := 0
	s := token.NewSource(func(context.Context) (token.Token, error) {
		if tries++; tries == 1 {
			return token.Token{Text: "none", Expires: time.Now().Add(time.Hour)}, no
		}
		return token.Token{Text: "one", Expires: time.Now().Add(time.Hour)}, nil
	})
	if _, err := s.Token(t.Context()); !errors.Is(err, no) {
		t.Errorf("got %v, want %v", err, no)
	}
	if got, err := s.Token(t.Context()); err != nil || got.Text != "one" {
		t.Errorf("again: got %s and %v, want one", got.Text, err)
	}
}

// Who waits while another gets a token takes that, or leaves when the time is over.
func TestTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		s := token.NewSource(func(context.Context) (token.Token, error) {
			asked++
			time.Sleep(time.Minute)
			return token.Token{Text: "one", Expires: time.Now().Add(time.Hour)}, nil
		})
		var all sync.WaitGroup
		all.Go(func() {
			time.Sleep(time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := s.Token(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("impatient: got %v, want %v", err, context.DeadlineExceeded)
			}
		})
		for range 5 {
			all.Go(func() {
				if got, err := s.Token(t.Context()); err != nil || got.Text != "one" {
					t.Errorf("got %s and %v, want one", got.Text, err)
				}
			})
		}
		all.Wait()
		if asked != 1 {
			t.Errorf("got %d requests for five at once, want 1", asked)
		}
	})
}

func serve(t *testing.T, answer http.HandlerFunc) *web.Client {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	c, err := web.NewClient(s.URL, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Endpoints write how long a token is good in several ways, or not.
func TestFetch(t *testing.T) {
	for body, want := range map[string]time.Duration{
		`{"access_token": "t", "expires_in": 3600}`:   time.Hour,
		`{"access_token": "t", "expires_in": "3599"}`: 3599 * time.Second,
		`{"access_token": "t"}`:                       5 * time.Minute,
		`{"expires_in": 3600}`:                        0,
		`{"access_token": ""}`:                        0,
		`<html>`:                                      0,
	} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost || r.FormValue("grant_type") != "client_credentials" || r.FormValue("client_secret") != "s3cret" {
				w.WriteHeader(400)
			}
			fmt.Fprint(w, body)
		})
		form := url.Values{"grant_type": {"client_credentials"}, "client_secret": {"s3cret"}}
		got, err := token.Fetch(t.Context(), c, web.Request{}, form)
		if want == 0 {
			if wrong := "there is no access token in the answer of " + c.Server(); fmt.Sprint(err) != wrong {
				t.Errorf("%s: got %v, want %s", body, err, wrong)
			}
			continue
		}
		if left := time.Until(got.Expires); err != nil || got.Text != "t" || left > want || left < want-time.Minute {
			t.Errorf("%s: got %v for %v, want nil for %v", body, err, left, want)
		}
	}
}

// What an endpoint repeats of the form does not show.
func TestFetchSecrets(t *testing.T) {
	for _, name := range []string{"assertion", "client_secret", "client_assertion", "refresh_token", "subject_token"} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(401)
			fmt.Fprintf(w, `{"error": "invalid_client: %s"}`, r.FormValue(name))
		})
		_, err := token.Fetch(t.Context(), c, web.Request{}, url.Values{name: {"s3cret"}})
		if text := fmt.Sprintf("%+v", err); strings.Contains(text, "s3cret") || !strings.Contains(text, "invalid_client: [secret]") {
			t.Errorf("%s: got %s", name, text)
		}
	}
}

// An account sends its token, beside the fields of the request, and shows it nowhere.
func TestCall(t *testing.T) {
	var n int
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			w.WriteHeader(403)
		}
		fmt.Fprintf(w, `{"message": "with %s and %s"}`, r.Header.Get("Authorization"), r.Header.Get("If-Match"))
	})
	a := &token.Account{Client: c, Source: token.NewSource(counting(&n))}
	header := http.Header{"If-Match": {"tag"}}
	var answer struct{ Message string }
	if _, err := a.Call(t.Context(), web.Request{Method: http.MethodGet, Header: header}, &answer); err != nil || answer.Message != "with Bearer token-1 and tag" {
		t.Errorf("got %v and %v", answer, err)
	}
	if len(header) != 1 {
		t.Errorf("got %v: the caller's fields have changed", header)
	}
	_, err := a.Call(t.Context(), web.Request{Method: http.MethodGet, Path: "no"}, &answer)
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if text := fmt.Sprintf(verb, a) + fmt.Sprintf(verb, err); strings.Contains(text, "token-1") {
			t.Errorf("%s: got the token in %s", verb, text)
		}
	}
	if got := a.Censor("it said token-1"); got != "it said [secret]" {
		t.Errorf("got %s, want it without the token", got)
	}
	var number int
	if _, err := a.Call(t.Context(), web.Request{Method: http.MethodGet}, &number); err == nil || n != 1 {
		t.Errorf("another form: got %v after %d tokens, want an error after 1", err, n)
	}
}
