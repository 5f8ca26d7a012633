package acmedns_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"certctl/dns01/acmedns"
)

// registrar is a server that gives registrations: answer, if not "", instead.
func registrar(t *testing.T, asked *[]string, answer string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ AllowFrom []string }
		if r.Method != http.MethodPost || r.URL.Path != "/register" || json.NewDecoder(r.Body).Decode(&body) != nil {
			w.WriteHeader(400)
			return
		}
		*asked = append(*asked, strings.Join(body.AllowFrom, " "))
		w.WriteHeader(201)
		if answer == "" {
			fmt.Fprintf(w, `{"username": %q, "password": %q, "subdomain": %q, "fulldomain": %q, "allowfrom": [], "later": 1}`, username, password, subdomain, full.Bare())
		}
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// A registration is on disk at once, for its owner only, with all that the server
// gave, and serves the provider; those of others stay as they are.
func TestRegister(t *testing.T) {
	var asked []string
	url := registrar(t, &asked, "")
	file := filepath.Join(t.TempDir(), "new", "acmedns.json")
	b, err := acmedns.OpenBook(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, known := b.Name("example.com"); known {
		t.Error("got a name before the registration")
	}
	for _, from := range [][]string{nil, {"192.0.2.0/24", "2001:db8::/32"}} {
		if err := b.Register(t.Context(), url, "", fmt.Sprintf("example-%d.com", len(asked)), from); err != nil {
			t.Fatal(err)
		}
	}
	if len(asked) != 2 || asked[0] != "" || asked[1] != "192.0.2.0/24 2001:db8::/32" {
		t.Errorf("got registrations for the networks %q", asked)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v and %v, want 0600", info, err)
	}
	if all, _ := os.ReadDir(filepath.Dir(file)); len(all) != 1 {
		t.Errorf("got %v, want the one file", all)
	}
	again, err := acmedns.OpenBook(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, domain := range []string{"example-0.com", "example-1.com"} {
		if name, known := again.Name(domain); !known || name != full {
			t.Errorf("%s: got %s, known %t, want %s", domain, name, known, full)
		}
	}
	text, _ := os.ReadFile(file)
	var fields map[string]map[string]any
	if json.Unmarshal(text, &fields) != nil || fields["example-0.com"]["server_url"] != url || fields["example-0.com"]["later"] != 1.0 {
		t.Errorf("got %s, want all fields and the server", text)
	}
	s := serve(t)
	c := acmedns.Config{URL: acmedns.Server(s.URL), Storage: acmedns.Storage(file)}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), url, s.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := add(t, open(t, c), value("a")); err != nil {
		t.Error(err)
	}
}

// What is no registration is neither kept nor shown.
func TestRegisterNonsense(t *testing.T) {
	for _, answer := range []string{
		"<html>", `{}`, `[]`, `"` + password + `"`,
		fmt.Sprintf(`{"username": "u", "password": %q, "subdomain": "s"}`, password),
		fmt.Sprintf(`{"username": "u", "password": %q, "subdomain": "s", "fulldomain": "other.example.org"}`, password),
		fmt.Sprintf(`{"username": "u", "password": %q, "subdomain": "s", "fulldomain": "s..example.org"}`, password),
	} {
		var asked []string
		url := registrar(t, &asked, answer)
		file := filepath.Join(t.TempDir(), "acmedns.json")
		b, err := acmedns.OpenBook(file)
		if err != nil {
			t.Fatal(err)
		}
		err = b.Register(t.Context(), url, "", "example.com", nil)
		if want := url + " did not answer as its API does"; fmt.Sprint(err) != want {
			t.Errorf("%s: got %v, want %s", answer, err, want)
		}
		if _, known := b.Name("example.com"); known {
			t.Errorf("%s: got a registration", answer)
		}
		if _, err := os.Stat(file); err == nil {
			t.Errorf("%s: got a file", answer)
		}
	}
}

// A file that cannot be read is an error that shows nothing of it, and it stays.
func TestOpenBook(t *testing.T) {
	good := fmt.Sprintf(`"example.com": {"username": "u", "password": %q, "subdomain": %q, "fulldomain": %q}`, password, subdomain, full.Bare())
	for text, want := range map[string]string{
		"{" + good + "}":       "<nil>",
		"{" + good:             "FILE is no JSON object with a registration for each domain",
		`["` + password + `"]`: "FILE is no JSON object with a registration for each domain",
		`{"example.com": "x"}`: `FILE: "example.com": it is no registration`,
		`{"example.com": {}}`:  `FILE: "example.com": it is no registration`,
		strings.ReplaceAll("{"+good+"}", full.Bare(), "x.example.org"): `FILE: "example.com": fulldomain x.example.org does not begin with its subdomain`,
	} {
		file := filepath.Join(t.TempDir(), "acmedns.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := acmedns.OpenBook(file)
		if got := strings.ReplaceAll(fmt.Sprint(err), file, "FILE"); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
		if kept, _ := os.ReadFile(file); string(kept) != text {
			t.Errorf("%s: got %s, want the file as it was", text, kept)
		}
	}
	if _, err := acmedns.OpenBook(t.TempDir()); err == nil {
		t.Error("a directory: got no error")
	}
}

// A file that cannot be written is an error, and leaves the old one.
func TestUnwritableBook(t *testing.T) {
	var asked []string
	url := registrar(t, &asked, "")
	file := filepath.Join(t.TempDir(), "dir")
	b, err := acmedns.OpenBook(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(file, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := b.Register(t.Context(), url, "", "example.com", nil); err == nil || strings.Contains(err.Error(), password) {
		t.Errorf("got %v, want an error without the password", err)
	}
	if all, _ := os.ReadDir(filepath.Dir(file)); len(all) != 1 {
		t.Errorf("got %v, want nothing new", all)
	}
}
