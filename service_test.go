package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"certctl/lab/authority"
)

// serveAPI is "service KIND APEX TOKEN": an HTTP service that writes into a zone
// of the world, with its URL in $URL. As acme-dns it has one registration, whose
// subdomain, user name and password are the token. Other kinds are webhook, and
// those of startHosted.
func serveAPI(ts *testscript.TestScript, _ bool, args []string) {
	if url := startHosted(ts, args[0], sceneOf(ts).zones[args[1]], args[2]); url != "" {
		ts.Setenv("URL", url)
		return
	}
	a := &api{zone: sceneOf(ts).zones[args[1]], token: args[2]}
	answer := map[string]func(http.ResponseWriter, *http.Request) bool{"webhook": a.hook, "acme-dns": a.update}[args[0]]
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if !answer(w, r) {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error": "forbidden"}`)
		}
	}))
	ts.Defer(s.Close)
	ts.Setenv("URL", s.URL)
}

// api is a service that writes into a zone.
type api struct {
	mu     sync.Mutex
	zone   *authority.Zone
	token  string
	newest []string // of acme-dns
}

// hook speaks httpreq. It reports whether the request was allowed.
func (a *api) hook(_ http.ResponseWriter, r *http.Request) bool {
	var body struct{ FQDN, Value string }
	if r.Header.Get("Authorization") != "Bearer "+a.token || json.NewDecoder(r.Body).Decode(&body) != nil {
		return false
	}
	record := fmt.Sprintf("%s 60 IN TXT %q", body.FQDN, body.Value)
	switch r.URL.Path {
	case "/present":
		a.zone.Add(record)
	case "/cleanup":
		a.zone.Remove(record)
	}
	return true
}

// update speaks as acme-dns does: it keeps the two newest values.
func (a *api) update(w http.ResponseWriter, r *http.Request) bool {
	var body struct{ Subdomain, Txt string }
	known := r.Header.Get("X-Api-User") == a.token && r.Header.Get("X-Api-Key") == a.token
	if !known || json.NewDecoder(r.Body).Decode(&body) != nil || body.Subdomain != a.token {
		return false
	}
	record := func(value string) string {
		return fmt.Sprintf("%s.%s 1 IN TXT %q", a.token, a.zone.Apex(), value)
	}
	a.zone.Add(record(body.Txt))
	if a.newest = append(a.newest, body.Txt); len(a.newest) > 2 {
		a.zone.Remove(record(a.newest[0]))
		a.newest = a.newest[1:]
	}
	fmt.Fprintf(w, `{"txt": %q}`, body.Txt)
	return true
}
