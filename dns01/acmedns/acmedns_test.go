package acmedns_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/acmedns"
	"certctl/dns01/conformance"
	"certctl/secret"
)

const (
	username                  = "eabcdb41-d89f-4580-826f-3e62e9755ef2"
	password                  = "pbAXVjlIOE01xbut7YnAbkhMQIkcwoHO0ek2j4Q0"
	subdomain                 = "d420c923-bbd7-4056-ab64-c3ca54c9b3cf"
	scope     delegation.Name = "auth.example.org."
	full      delegation.Name = subdomain + "." + scope
)

// server is a server with one registration, that of the constants. It keeps two
// values with the times of their last update in whole seconds, and replaces the
// older one: of two of the same age the first.
type server struct {
	*httptest.Server
	mu      sync.Mutex
	values  [2]string
	updated [2]int64
	sent    []string
	db      bool // whether the database works
}

func serve(t *testing.T) *server {
	t.Helper()
	s := &server{db: true}
	s.Server = httptest.NewServer(http.HandlerFunc(s.answer))
	t.Cleanup(s.Close)
	return s
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var body struct{ Subdomain, Txt string }
	say := func(status int, key, value string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{%q: %q}`, key, value)
	}
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/update":
		http.NotFound(w, r)
	case json.NewDecoder(r.Body).Decode(&body) != nil:
		say(400, "error", "malformed_json_payload")
	case r.Header.Get("X-Api-User") != username || r.Header.Get("X-Api-Key") != password:
		say(401, "error", "forbidden")
	case strings.Contains(body.Subdomain, "."):
		say(400, "error", "bad_subdomain")
	case body.Subdomain != subdomain:
		say(401, "error", "forbidden")
	case !regexp.MustCompile(`^[a-zA-Z0-9_-]{43}$`).MatchString(body.Txt):
		say(400, "error", "bad_txt")
	case !s.db:
		say(500, "error", "db_error")
	default:
		s.keep(body.Txt)
		say(200, "txt", body.Txt)
	}
}

func (s *server) keep(value string) {
	i := 0
	if s.updated[1] < s.updated[0] {
		i = 1
	}
	s.values[i], s.updated[i] = value, time.Now().Unix()
	s.sent = append(s.sent, value)
}

func (s *server) all(delegation.Name) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(s.values[:2:2], func(v string) bool { return v == "" })
}

// config returns the configuration for the registration, changed.
func (s *server) config(changes ...func(*acmedns.Config)) acmedns.Config {
	c := acmedns.Config{
		URL: acmedns.Server(s.URL), Username: username, Password: secret.Plain(password), Subdomain: subdomain,
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func open(t *testing.T, c acmedns.Config) dns01.Provider {
	t.Helper()
	p, err := acmedns.New(c, scope, dns01.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// value returns a value of 43 characters.
func value(c string) string { return strings.Repeat(c, 43) }

func add(t *testing.T, p dns01.Provider, values ...string) error {
	t.Helper()
	_, err := p.AppendRecords(t.Context(), scope.String(), records(values))
	return err
}

func remove(t *testing.T, p dns01.Provider, values ...string) {
	t.Helper()
	if _, err := p.DeleteRecords(t.Context(), scope.String(), records(values)); err != nil {
		t.Fatal(err)
	}
}

func records(values []string) []libdns.Record {
	var records []libdns.Record
	for _, v := range values {
		records = append(records, libdns.RR{Name: subdomain, Type: "TXT", TTL: time.Minute, Data: v})
	}
	return records
}

func TestConformance(t *testing.T) {
	conformance.Test(t, func(t *testing.T) (dns01.Provider, conformance.World) {
		s := serve(t)
		p, err := acmedns.New(s.config(), full, dns01.Environment{})
		if err != nil {
			t.Fatal(err)
		}
		return p, conformance.World{Zone: full, Values: s.all, Secrets: []string{password}, Newest: 2}
	})
}

// A value in use is never pushed out: not by a third one, not after one of two
// was removed, and not by the first of the next two.
func TestCapacity(t *testing.T) {
	s := serve(t)
	p := open(t, s.config())
	var e *acmedns.CapacityError
	if err := add(t, p, value("a"), value("b"), value("c")); !errors.As(err, &e) || len(s.sent) > 0 {
		t.Fatalf("three at once: got %v after %d updates, want a CapacityError and none", err, len(s.sent))
	}
	if err := add(t, p, value("a"), value("b")); err != nil {
		t.Fatal(err)
	}
	remove(t, p, value("b"))
	if err := add(t, p, value("c")); !errors.As(err, &e) {
		t.Errorf("a third beside one in use: got %v, want a CapacityError", err)
	}
	if err := add(t, p, value("b")); err != nil || len(s.sent) != 2 {
		t.Errorf("one again that is still there: got %v after %d updates, want 2", err, len(s.sent))
	}
	remove(t, p, value("a"), value("b"))
	if err := add(t, p, value("c"), value("d")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{value("c"), value("d")}, s.all(full)); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		change  func(*acmedns.Config)
		code    string
		refused bool
	}{
		{func(c *acmedns.Config) { c.Password = secret.Plain("wrong") }, "forbidden", true},
		{func(c *acmedns.Config) { c.Subdomain = username; c.FullDomain = full.String() }, "forbidden", true},
		{func(c *acmedns.Config) { c.Subdomain = full.String(); c.FullDomain = full.String() }, "bad_subdomain", true},
		{func(c *acmedns.Config) { c.URL += "/api" }, "", true},
		{func(c *acmedns.Config) {}, "db_error", false},
	}
	for _, test := range tests {
		s := serve(t)
		s.db = test.code != "db_error"
		err := add(t, open(t, s.config(test.change)), value("a"))
		e, ok := errors.AsType[*acmedns.UpdateError](err)
		_, refused := errors.AsType[dns01.Refusal](err)
		if !ok || e.Code != test.code || e.Hint() == "" || refused != test.refused {
			t.Errorf("got %v, refusal %t, want %q with a hint", err, refused, test.code)
		}
		if _, nothing := errors.AsType[*dns01.UnwrittenError](err); nothing != test.refused {
			t.Errorf("%s: got nothing written %t, want %t", test.code, nothing, test.refused)
		}
	}
}

// After a failure whose outcome is unknown the value is sent again, and counts.
func TestUnknownOutcome(t *testing.T) {
	s := serve(t)
	p := open(t, s.config())
	s.db = false
	if add(t, p, value("a")) == nil {
		t.Fatal("got no error")
	}
	s.db = true
	if err := add(t, p, value("a")); err != nil || len(s.sent) != 1 {
		t.Errorf("again: got %v after %d updates, want 1", err, len(s.sent))
	}
	if err := add(t, p, value("b"), value("c")); err == nil {
		t.Error("two more: got no error")
	}
}

func TestUnfit(t *testing.T) {
	s := serve(t)
	p := open(t, s.config())
	if err := add(t, p, "short"); err == nil || len(s.sent) > 0 {
		t.Errorf("short value: got %v after %d updates, want an error and none", err, len(s.sent))
	}
	_, err := p.AppendRecords(t.Context(), scope.String(), []libdns.Record{libdns.RR{Name: "other", Type: "TXT", Data: value("a")}})
	e, ok := errors.AsType[*acmedns.RegistrationError](err)
	if want := "there are registrations for " + strings.TrimSuffix(full.String(), ".") + ": is the alias right?"; !ok || e.Hint() != want {
		t.Errorf("other owner: got %v, want a RegistrationError with the hint %q", err, want)
	}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }))
	defer other.Close()
	p = open(t, s.config(func(c *acmedns.Config) { c.URL = acmedns.Server(other.URL) }))
	if err := add(t, p, value("a")); err == nil || !strings.Contains(err.Error(), "did not answer as acme-dns does") {
		t.Errorf("another service: got %v", err)
	}
}

// store writes a storage file.
func store(t *testing.T, text string) acmedns.Storage {
	t.Helper()
	path := filepath.Join(t.TempDir(), "acmedns.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return acmedns.Storage(path)
}

func TestStorage(t *testing.T) {
	s := serve(t)
	own := fmt.Sprintf(`{"fulldomain": %q, "subdomain": %q, "username": %q, "password": %q, "server_url": %%q, "allowfrom": []}`, full, subdomain, username, password)
	foreign := fmt.Sprintf(`{"fulldomain": "x.example.com", "subdomain": "x", "username": %q, "password": %q, "server_url": ""}`, username, password)
	tests := []struct{ text, url, want string }{
		{fmt.Sprintf(`{"example.com": `+own+`, "b.example.com": `+foreign+`}`, s.URL), "", ""},
		{fmt.Sprintf(`{"example.com": `+own+`}`, ""), s.URL, ""},
		{fmt.Sprintf(`{"example.com": `+own+`}`, ""), "", `"example.com": url: it is missing`},
		{`{"b.example.com": ` + foreign + `}`, s.URL, "acme-dns storage acmedns.json has no registration for " + full.String()},
		{`{"password": "` + password, s.URL, "is no JSON object with a registration for each domain"},
		{`["` + password + `"]`, s.URL, "is no JSON object with a registration for each domain"},
		{`{"b.example.com": {"fulldomain": "a..b"}}`, s.URL, "empty label"},
	}
	for _, test := range tests {
		err := add(t, open(t, acmedns.Config{Storage: store(t, test.text), URL: acmedns.Server(test.url)}), value("a"))
		if (err == nil) != (test.want == "") || err != nil && !strings.HasSuffix(err.Error(), test.want) || strings.Contains(fmt.Sprint(err), password) {
			t.Errorf("%s: got %v, want %q", test.text, err, test.want)
		}
	}
	p := open(t, acmedns.Config{Storage: "/nonexistent/acmedns.json"})
	if err := p.(dns01.Preparer).Prepare(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v, want %v", err, os.ErrNotExist)
	}
}

func TestConfigErrors(t *testing.T) {
	s := &server{Server: &httptest.Server{URL: "https://auth.example.org"}}
	tests := []struct {
		config acmedns.Config
		want   string
	}{
		{s.config(), "<nil>"},
		{s.config(func(c *acmedns.Config) { c.FullDomain = full.String() }), "<nil>"},
		{s.config(func(c *acmedns.Config) { c.FullDomain = "x.example.com" }), "fulldomain: x.example.com is not at or below auth.example.org"},
		{s.config(func(c *acmedns.Config) { c.URL = "" }), "url: it is missing"},
		{s.config(func(c *acmedns.Config) { c.URL = "http://auth.example.org" }), "url: https is needed: only on this host itself may a secret go over plain http, and auth.example.org is not"},
		{s.config(func(c *acmedns.Config) { c.Username = "" }), "url, username, password and subdomain are needed, as the server gave them on registration; or storage"},
		{s.config(func(c *acmedns.Config) { c.Storage = "x.json" }), "storage: it has the registrations: name no username, password, subdomain or fulldomain beside it"},
		{acmedns.Config{Storage: "x.json"}, "<nil>"},
		{acmedns.Config{Storage: "x.json", URL: "auth"}, "url: a URL is expected, like https://dns.example.com/api"},
	}
	for _, test := range tests {
		if _, err := acmedns.New(test.config, scope, dns01.Environment{}); fmt.Sprint(err) != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestWarnings(t *testing.T) {
	if got := acmedns.Server("https://auth.acme-dns.io/").Warnings(); len(got) != 1 {
		t.Errorf("got %q, want a warning", got)
	}
	if got := acmedns.Server("https://auth.example.org").Warnings(); got != nil {
		t.Errorf("got %q, want none", got)
	}
	path := store(t, "{}")
	if got := path.Warnings(); got != nil {
		t.Errorf("got %q, want none", got)
	}
	if err := os.Chmod(string(path), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := path.Warnings(); len(got) != 1 {
		t.Errorf("got %q, want a warning", got)
	}
}
