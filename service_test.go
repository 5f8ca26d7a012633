package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
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
	a := &api{zone: sceneOf(ts).zones[args[1]], token: args[2], newest: map[string][]string{args[2]: nil}}
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
	newest map[string][]string // of acme-dns, by subdomain
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

// update speaks as acme-dns does: it keeps the two newest values. The subdomain of
// a registration is its user name and password too.
func (a *api) update(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path == "/register" {
		return a.register(w, r)
	}
	var body struct{ Subdomain, Txt string }
	if json.NewDecoder(r.Body).Decode(&body) != nil || r.Header.Get("X-Api-User") != body.Subdomain || r.Header.Get("X-Api-Key") != body.Subdomain {
		return false
	}
	newest, known := a.newest[body.Subdomain]
	if !known {
		return false
	}
	record := func(value string) string {
		return fmt.Sprintf("%s.%s 1 IN TXT %q", body.Subdomain, a.zone.Apex(), value)
	}
	a.zone.Add(record(body.Txt))
	if newest = append(newest, body.Txt); len(newest) > 2 {
		a.zone.Remove(record(newest[0]))
		newest = newest[1:]
	}
	a.newest[body.Subdomain] = newest
	fmt.Fprintf(w, `{"txt": %q}`, body.Txt)
	return true
}

// register makes a registration.
func (a *api) register(w http.ResponseWriter, r *http.Request) bool {
	var body struct{ AllowFrom []string }
	if json.NewDecoder(r.Body).Decode(&body) != nil {
		return false
	}
	made := fmt.Sprintf("%08d-0000-4000-8000-000000000000", len(a.newest))
	a.newest[made] = nil
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(map[string]any{
		"username": made, "password": made, "subdomain": made, "fulldomain": made + "." + strings.TrimSuffix(a.zone.Apex(), "."), "allowfrom": body.AllowFrom,
	})
	return true
}
