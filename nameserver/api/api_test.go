package api_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"certctl/delegation"
	"certctl/nameserver/access"
	"certctl/nameserver/accounts"
	"certctl/nameserver/api"
	"certctl/nameserver/values"
)

const (
	zone      delegation.Name = "auth.example.net."
	challenge delegation.Name = "_acme-challenge.www.example.com."
	password                  = "c0rrect-horse-battery"
	token                     = "let-me-register"
)

// scene is an API with what is behind it.
type scene struct {
	*testing.T
	*api.API
	url   string
	store *values.Store
	dir   string // of accounts
	log   *buffer
}

// zoneOf returns the zone that a name is in.
func zoneOf(name delegation.Name) (delegation.Name, bool) {
	for _, z := range []delegation.Name{zone, challenge} {
		if name.IsAtOrBelow(z) {
			return z, true
		}
	}
	return "", false
}

// buffer is written by several goroutines.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func begin(t *testing.T) *scene {
	store, err := values.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	s := &scene{T: t, store: store, dir: t.TempDir(), log: new(buffer)}
	log := slog.New(slog.NewJSONHandler(s.log, nil))
	book, err := accounts.Open(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	digest := access.NewDigest(token)
	s.API = &api.API{
		Users: map[string]*api.User{
			"web": {Name: "web", Password: access.NewDigest(password), Key: access.Key{ID: "user web", Names: []delegation.Name{"web.auth.example.net.", challenge}}},
			"sub": {Name: "sub", Password: access.NewDigest(password), Key: access.Key{ID: "user sub", Subtrees: []delegation.Name{"hosts.auth.example.net."}}},
			"far": {Name: "far", Password: access.NewDigest(password), Key: access.Key{ID: "user far", Names: []delegation.Name{"far.auth.example.net."}, From: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}},
		},
		Accounts: book,
		Open:     &api.Registration{Zone: zone, Token: &digest},
		Zone:     zoneOf,
		Desk:     access.NewDesk(store, log),
		Gate:     new(access.Gate),
		Log:      log,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.Handler().ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	s.url = server.URL
	t.Cleanup(func() {
		for _, secret := range []string{password, token, base64.StdEncoding.EncodeToString([]byte("web:" + password))} {
			if strings.Contains(s.log.String(), secret) {
				t.Errorf("the log shows %s: %s", secret, s.log)
			}
		}
	})
	return s
}

// post sends a body and returns the status and the answer.
func (s *scene) post(path, body string, header ...string) string {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.Fatal(err)
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", answer.StatusCode, text))
}

func value(n int) string {
	sum := sha256.Sum256([]byte(fmt.Sprint(n)))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (s *scene) at(zone, name delegation.Name) []string {
	var all []string
	for _, v := range s.store.At(zone, name) {
		all = append(all, v.Text)
	}
	return all
}

func (s *scene) update(user, key, subdomain, txt string) string {
	s.Helper()
	return s.post("/update", fmt.Sprintf(`{"subdomain": %q, "txt": %q}`, subdomain, txt), "X-Api-User", user, "X-Api-Key", key)
}

func TestAcmeDNS(t *testing.T) {
	s := begin(t)
	check := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for n := range 3 {
		check(s.update("web", password, "web", value(n)), fmt.Sprintf(`200 {"txt":%q}`, value(n)))
	}
	if got := s.at(zone, "web.auth.example.net."); !slices.Equal(got, []string{value(0), value(1), value(2)}) {
		t.Errorf("got %q, want all three values", got)
	}
	check(s.update("sub", password, "a.b", value(0)), fmt.Sprintf(`200 {"txt":%q}`, value(0)))
	if got := s.at(zone, "a.b.hosts.auth.example.net."); len(got) != 1 {
		t.Errorf("below a subtree: got %q, want the value", got)
	}
	check(s.update("web", "wrong", "web", value(0)), `401 {"error":"forbidden"}`)
	check(s.update("nobody", password, "web", value(0)), `401 {"error":"forbidden"}`)
	check(s.update("", "", "web", value(0)), `401 {"error":"forbidden"}`)
	check(s.update("web", password, "far", value(0)), `401 {"error":"forbidden"}`)
	check(s.update("far", password, "far", value(0)), `401 {"error":"forbidden"}`)
	s.Users["old"] = &api.User{Name: "old", Password: access.NewDigest(password), Key: access.Key{ID: "old", Names: []delegation.Name{"old.example.org."}}}
	check(s.update("old", password, "old", value(0)), `401 {"error":"forbidden"}`) // of a zone that is gone
	check(s.update("web", password, "web", "short"), `400 {"error":"bad_txt"}`)
	check(s.update("web", password, "web", ""), `400 {"error":"bad_txt"}`)
	check(s.post("/update", "{"), `400 {"error":"malformed_json_payload"}`)
	check(s.post("/update", `{"subdomain": "`+strings.Repeat("x", 20000)), `413 {"error":"malformed_json_payload"}`)
	if got := s.post("/nowhere", ""); !strings.HasPrefix(got, "404") {
		t.Errorf("another path: got %s, want 404", got)
	}
}

func TestHealth(t *testing.T) {
	s := begin(t)
	r, err := http.Get(s.url + "/health")
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("got %v, %v, want 200", r, err)
	}
	defer r.Body.Close()
	if got := s.post("/health", ""); !strings.HasPrefix(got, "405") {
		t.Errorf("POST: got %s, want 405", got)
	}
}

// Clients of acme-dns remove nothing: where there is no room, the oldest goes.
func TestOldestGoes(t *testing.T) {
	s := begin(t)
	for n := range values.MaxValues + 1 {
		if got := s.update("web", password, "web", value(n)); !strings.HasPrefix(got, "200") {
			t.Fatalf("value %d: got %s", n+1, got)
		}
	}
	got := s.at(zone, "web.auth.example.net.")
	if len(got) != values.MaxValues || slices.Contains(got, value(0)) || !slices.Contains(got, value(values.MaxValues)) {
		t.Errorf("got %d values, the first there: %v; want the newest %d", len(got), slices.Contains(got, value(0)), values.MaxValues)
	}
}

func TestRegister(t *testing.T) {
	s := begin(t)
	for _, header := range []string{"", "Bearer wrong", "Basic " + base64.StdEncoding.EncodeToString([]byte("any:wrong"))} {
		if got := s.post("/register", "", "Authorization", header); got != `401 {"error":"forbidden"}` {
			t.Errorf("%s: got %s", header, got)
		}
	}
	if got := s.post("/register", `{"allowfrom": ["nowhere"]}`, "Authorization", "Bearer "+token); got != `400 {"error":"invalid_allowfrom_cidr"}` {
		t.Errorf("got %s", got)
	}
	got := s.post("/register", "", "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("any:"+token)))
	var r struct {
		Username, Password, Fulldomain, Subdomain string
		AllowFrom                                 []string
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(got, "201 ")), &r); err != nil || !strings.HasPrefix(got, "201") || len(r.Password) != 40 || r.Fulldomain != r.Subdomain+".auth.example.net" || !strings.Contains(got, `"allowfrom":[]`) {
		t.Fatalf("got %s, %v", got, err)
	}
	for range 2 { // the second time by what is on the disk
		if got := s.update(r.Username, r.Password, r.Subdomain, value(0)); !strings.HasPrefix(got, "200") {
			t.Errorf("the new account: got %s", got)
		}
		book, err := accounts.Open(s.dir)
		if err != nil {
			t.Fatal(err)
		}
		s.Accounts = book
	}
	if strings.Contains(s.log.String(), r.Password) {
		t.Error("the log shows the password of the account")
	}
	if got := s.post("/register", `{"allowfrom": ["192.0.2.0/24", "[2001:db8::]/32"]}`, "Authorization", "Bearer "+token); json.Unmarshal([]byte(strings.TrimPrefix(got, "201 ")), &r) != nil || len(r.AllowFrom) != 2 {
		t.Fatalf("got %s", got)
	}
	if got := s.update(r.Username, r.Password, r.Subdomain, value(0)); got != `401 {"error":"forbidden"}` {
		t.Errorf("from elsewhere: got %s", got)
	}
	s.Open = nil
	if got := s.post("/register", "", "Authorization", "Bearer "+token); !strings.HasPrefix(got, "404") {
		t.Errorf("without registration: got %s, want 404", got)
	}
}

func TestHTTPReq(t *testing.T) {
	s := begin(t)
	basic := func(user, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	digest := sha256.Sum256([]byte("token.thumbprint"))
	raw := base64.RawURLEncoding.EncodeToString(digest[:])
	for _, c := range []struct{ path, body, want string }{
		{"/present", `{"fqdn": "_acme-challenge.www.example.com.", "value": "` + value(0) + `"}`, "200 {}"},
		{"/present", `{"domain": "www.example.com", "token": "token", "keyAuth": "token.thumbprint"}`, "200 {}"},
		{"/cleanup", `{"fqdn": "_acme-challenge.WWW.example.com.", "value": "` + value(0) + `"}`, "200 {}"},
		{"/cleanup", `{"fqdn": "_acme-challenge.www.example.com.", "value": "` + value(0) + `"}`, "200 {}"},
		{"/present", `{"fqdn": "far.auth.example.net.", "value": "` + value(0) + `"}`, `403 {"error":"forbidden"}`},
		{"/present", `{"fqdn": "_acme-challenge.example.org.", "value": "` + value(0) + `"}`, `404 {"error":"_acme-challenge.example.org is in no zone of this server"}`},
		{"/present", `{"fqdn": "web.auth.example.net.", "value": "hunter2"}`, `400 {"error":"the value for web.auth.example.net is not one of a challenge, which has 43 characters of base64url"}`},
		{"/present", `{"fqdn": "web.auth.example.net."}`, `400 {"error":"fqdn and value are expected, or domain and keyAuth"}`},
		{"/present", `{"fqdn": "..", "value": "x"}`, `400 {"error":"fqdn and value are expected, or domain and keyAuth"}`},
		{"/present", `[]`, `400 {"error":"malformed_json_payload"}`},
	} {
		if got := s.post(c.path, c.body, "Authorization", basic("web", password)); got != c.want {
			t.Errorf("%s %s: got %s, want %s", c.path, c.body, got, c.want)
		}
	}
	if got := s.at(challenge, challenge); !slices.Equal(got, []string{raw}) {
		t.Errorf("got %q, want the value of raw mode", got)
	}
	if got := s.post("/present", "{}", "Authorization", basic("web", "wrong")); got != `401 {"error":"forbidden"}` {
		t.Errorf("wrong password: got %s", got)
	}
}

func TestLockOut(t *testing.T) {
	s := begin(t)
	for range 10 {
		s.update("web", "wrong", "web", value(0))
	}
	for path, got := range map[string]string{
		"/update":   s.update("web", password, "web", value(0)),
		"/present":  s.post("/present", "{}", "Authorization", "Basic d2ViOng="),
		"/register": s.post("/register", "", "Authorization", "Bearer "+token),
	} {
		if got != `429 {"error":"too_many_requests"}` {
			t.Errorf("%s: got %s, want 429", path, got)
		}
	}
}

// Behind a proxy it is the client that is locked out, who cannot make up where he
// comes from.
func TestProxy(t *testing.T) {
	s := begin(t)
	s.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("192.0.2.80/32")}
	update := func(key, forwarded string) string {
		return s.post("/update", `{"subdomain": "far", "txt": "`+value(0)+`"}`, "X-Api-User", "far", "X-Api-Key", key, "X-Forwarded-For", forwarded)
	}
	for n := range 10 {
		update("wrong", fmt.Sprintf("192.0.2.%d, 198.51.100.1", n))
	}
	if got := update(password, "192.0.2.1, 198.51.100.1, 192.0.2.80"); !strings.HasPrefix(got, "429") {
		t.Errorf("who has failed: got %s, want 429", got)
	}
	if got := update(password, "198.51.100.1, 192.0.2.1"); !strings.HasPrefix(got, "200") {
		t.Errorf("another: got %s, want 200", got)
	}
	if got := update(password, "nonsense"); !strings.HasPrefix(got, "401") {
		t.Errorf("the proxy itself: got %s, want 401", got)
	}
}

func TestRate(t *testing.T) {
	s := begin(t)
	s.Rate = &access.Rate{PerSecond: 0.001, Burst: 2}
	for n, want := range []string{"404", "404", "429"} {
		if got := s.post("/nowhere", ""); !strings.HasPrefix(got, want) {
			t.Errorf("request %d: got %s, want %s", n+1, got, want)
		}
	}
}

// Clients that send nothing, or too slowly, or far too much, keep nobody else
// from being served.
func TestSlowClients(t *testing.T) {
	s := begin(t)
	server, end := serve(t, api.Face{Handler: s.Handler(), Listen: []netip.AddrPort{anyPort}})
	s.url = "http://" + server.Addrs()[0].String()
	for range 80 { // 64 of one address are let in
		c, err := net.Dial("tcp", server.Addrs()[0].String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "POST /update HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	}
	other := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DialContext: other.DialContext, DisableKeepAlives: true}}
	r, err := client.Get(s.url + "/health")
	if err != nil {
		t.Skipf("this system has no second loopback address: %v", err)
	}
	r.Body.Close()
	r, err = client.Post(s.url+"/update", "application/json", io.LimitReader(zeros{}, 1<<30))
	if err == nil {
		r.Body.Close()
	}
	if r, err = client.Get(s.url + "/health"); err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("after a gigabyte: got %v, %v", r, err)
	}
	end()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Whatever comes, nothing is kept for those who do not say who they are.
func FuzzAPI(f *testing.F) {
	store, err := values.Open(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	defer store.Close()
	book, err := accounts.Open(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	digest := access.NewDigest(token)
	a := &api.API{
		Users:    map[string]*api.User{"web": {Name: "web", Password: access.NewDigest(password), Key: access.Key{ID: "web", Subtrees: []delegation.Name{zone}}}},
		Accounts: book, Open: &api.Registration{Zone: zone, Token: &digest},
		Zone: zoneOf, Desk: access.NewDesk(store, nil),
	}
	f.Add("/update", "web", "x", `{"subdomain":"a","txt":"`+value(0)+`"}`)
	f.Add("/present", "web", "x", `{"fqdn":"a.auth.example.net.","value":"`+value(0)+`"}`)
	f.Add("/register", "", "x", `{"allowfrom":["192.0.2.0/24"]}`)
	f.Add("/present", "web", password, `{"domain":"\u0000..","keyAuth":"x"}`)
	f.Fuzz(func(t *testing.T, path, user, key, body string) {
		a.Gate = new(access.Gate)
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.URL.Path = path
		r.Header.Set("X-Api-User", user)
		r.Header.Set("X-Api-Key", key)
		r.SetBasicAuth(user, key)
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, r)
		all, _ := store.All(zone)
		if len(all) > 0 && key != password {
			t.Errorf("%s with %q: got %v", path, key, all)
		}
		if w.Code >= 500 {
			t.Errorf("%s %q: got %d %s", path, body, w.Code, w.Body)
		}
	})
}
