package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"certctl/dns01/web"
	"certctl/secret"
)

func open(t *testing.T, answer http.HandlerFunc) *web.Account {
	t.Helper()
	a, err := web.NewTokenAccount(serve(t, answer).Server()+"/secret-path", "", "Bearer", secret.Plain(token))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestCall(t *testing.T) {
	a := open(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"path": %q, "key": %q}`, r.URL, r.Header.Get("Authorization"))
	})
	var got struct{ Path, Key string }
	r := web.Request{Method: http.MethodGet, Path: "a%2Fb", Query: map[string][]string{"q": {"1"}}}
	if err := a.Call(t.Context(), r, &got); err != nil || got.Path != "/secret-path/a%2Fb?q=1" || got.Key != "Bearer "+token {
		t.Errorf("got %v and %v", got, err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if text := fmt.Sprintf(verb, a); strings.Contains(text, token) {
			t.Errorf("%s: got the token in %s", verb, text)
		}
	}
}

func TestForm(t *testing.T) {
	for _, body := range []string{"", "<html>", `"` + token + `"`} {
		a := open(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, body) })
		var into struct{}
		err := a.Call(t.Context(), web.Request{Method: http.MethodGet}, &into)
		if want := a.Server() + " did not answer as its API does"; fmt.Sprint(err) != want {
			t.Errorf("%s: got %v, want %s", body, err, want)
		}
	}
}

func TestNoToken(t *testing.T) {
	c, err := web.NewClient("https://dns.example.com", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := web.NewTokenAccount("https://dns.example.com", "", "Bearer", secret.Secret{}); fmt.Sprint(err) != "token: it is missing" {
		t.Errorf("got %v", err)
	}
	a := web.NewAccount(c, map[string]secret.Secret{"token": {}}, func(*web.Request, map[string]string) {})
	err = a.Call(t.Context(), web.Request{Method: http.MethodGet}, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "token: ") {
		t.Errorf("got %v, want an error about the token", err)
	}
}

// What does no harm twice is repeated when the service fails; other requests
// are not.
func TestFailing(t *testing.T) {
	for method, want := range map[string]int{"GET": 3, "PUT": 3, "DELETE": 3, "POST": 1, "PATCH": 1} {
		for _, fail := range []func(http.ResponseWriter){
			func(w http.ResponseWriter) { w.WriteHeader(500) },
			func(w http.ResponseWriter) { panic(http.ErrAbortHandler) },
		} {
			var asked atomic.Int32
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if asked.Add(1) < 3 {
					fail(w)
				}
			})
			_, err := c.Do(t.Context(), web.Request{Method: method})
			if got := int(asked.Load()); got != want || (err == nil) != (want == 3) {
				t.Errorf("%s: got %v after %d requests, want %d", method, err, got, want)
			}
		}
	}
}

func TestLongAnswer(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for range 9 << 10 {
			w.Write(make([]byte, 1<<10))
		}
	})
	_, err := c.Do(t.Context(), web.Request{Method: http.MethodGet})
	if want := c.Server() + ": the answer is longer than 8 MB"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// An error is said in the service's words, not in its JSON.
func TestWords(t *testing.T) {
	for body, want := range map[string]string{
		`{"error": "no"}`: "no",
		`{"success": false, "errors": [{"code": 9109, "message": "no"}, {"code": 1, "message": "never"}]}`: "no (9109); never (1)",
		`{"error": {"code": "locked", "message": "wait"}}`:                                                 "wait (locked)",
		`{"errors": [{"reason": "too long", "field": "target"}]}`:                                          "target: too long",
		`{"code": 403, "message": "no", "object": "HTTPForbidden"}`:                                        "no",
		`{"detail": "no"}`:   "no",
		`{"ttl": ["small"]}`: `{"ttl": ["small"]}`,
		`[1]`:                "[1]",
		`<b>no`:              "<b>no",
		"<html>\n<head><TITLE>Log\nin &amp; go</TITLE></head><body>no": "Log in & go",
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(400)
			fmt.Fprint(w, body)
		}))
		c, err := web.NewClient(s.URL, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Do(t.Context(), request(nil))
		s.Close()
		if want := s.URL + " answered 400 Bad Request: " + want; fmt.Sprint(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A list is read page by page from the service alone, wherever it says that the
// next one is, and not for ever.
func TestPages(t *testing.T) {
	for last, want := range map[int]string{3: "<nil>", 1e6: "URL: the list has more than 1000 pages"} {
		var asked atomic.Int32
		a := open(t, func(w http.ResponseWriter, r *http.Request) {
			if n := int(asked.Add(1)); n < last {
				w.Header().Set("Link", fmt.Sprintf(`<https://elsewhere.invalid/secret-path/list?page=%d>; rel="next"`, n+1))
			}
			fmt.Fprintf(w, "[%q]", r.URL.Query().Get("page"))
		})
		got, err := web.Pages[string](t.Context(), a, web.Request{Method: http.MethodGet, Path: "list"})
		if text := strings.ReplaceAll(fmt.Sprint(err), a.Server(), "URL"); text != want {
			t.Errorf("%d pages: got %s, want %s", last, text, want)
		}
		if err == nil && strings.Join(got, ",") != ",2,3" {
			t.Errorf("got %q, want three pages", got)
		}
	}
	a := open(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"error": "no list"}`) })
	if _, err := web.Pages[string](t.Context(), a, web.Request{Method: http.MethodGet}); err == nil {
		t.Error("no list: got no error")
	}
}
