package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestDial(t *testing.T) {
	f := newFake(nil, map[string][]reply{"/directory": {{body: object{
		"newNonce": fakeURL + "/nonce", "newAccount": fakeURL + "/account", "newOrder": fakeURL + "/new-order",
		"renewalInfo": fakeURL + "/ari", "random": "https://example.com/entry", "meta": object{
			"termsOfService": "https://ca.test/terms", "website": "https://ca.test", "caaIdentities": []string{"ca.test"},
			"externalAccountRequired": true, "profiles": object{"classic": "the usual"},
		},
	}}}})
	c, err := Dial(t.Context(), Config{Directory: fakeURL + "/directory", Transport: f})
	if err != nil {
		t.Fatal(err)
	}
	if c.Terms != "https://ca.test/terms" || c.Website != "https://ca.test" || len(c.CAAIdentities) != 1 ||
		!c.ExternalAccountRequired || c.Profiles["classic"] != "the usual" || c.RenewalInfo != fakeURL+"/ari" {
		t.Errorf("got %+v, want what the directory says", c)
	}
	if f.agent != "certctl" {
		t.Errorf("got User-Agent %q, want certctl", f.agent)
	}
}

func TestDialErrors(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	mux := http.NewServeMux()
	server.Config.Handler = mux
	say := func(path, body string) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) })
	}
	say("/page", "<!doctype html><title>Welcome</title>")
	say("/text", "It works!")
	say("/v1", `{"new-reg": "https://ca.test/reg", "new-authz": "https://ca.test/authz"}`)
	mux.Handle("/moved", http.RedirectHandler("/page", http.StatusFound))
	mux.Handle("/downgrade", http.RedirectHandler("http://ca.test/directory", http.StatusFound))
	mux.HandleFunc("/limited", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	plain := httptest.NewServer(mux)
	t.Cleanup(plain.Close)
	elsewhere := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)

	for name, test := range map[string]struct {
		url    string
		roots  *x509.CertPool
		reason Reason
		want   string // part of the error
		hint   string // part of the hint
	}{
		"nobody there":   {"https://" + closedPort(t) + "/", roots, Unreachable, "connection refused", ""},
		"overloaded":     {server.URL + "/limited", roots, Unreachable, "HTTP 503 Service Unavailable (come back at ", ""},
		"untrusted":      {server.URL + "/v1", nil, Untrusted, "certificate signed by unknown authority", `certificate of "O=Acme Co"`},
		"ca_file":        {server.URL + "/v1", nil, Untrusted, "", "`acme: ca_file:`"},
		"other host":     {elsewhere, roots, Untrusted, "not localhost", "the server's certificate is for example.com"},
		"page":           {server.URL + "/page", roots, NotACME, "not an ACME directory but a web page", "/directory"},
		"redirected":     {server.URL + "/moved", roots, NotACME, "web page", "the answer came from " + server.URL + "/page"},
		"text":           {server.URL + "/text", roots, NotACME, "not an ACME directory: invalid character", "/directory"},
		"before RFC":     {server.URL + "/v1", roots, NotACME, "newNonce, newAccount or newOrder is missing", "/directory"},
		"not found":      {server.URL + "/nothing", roots, NotACME, "HTTP 404 Not Found: 404 page not found", "/directory"},
		"no TLS":         {strings.Replace(plain.URL, "http:", "https:", 1), roots, NotACME, "server gave HTTP response to HTTPS client", "/directory"},
		"http, loopback": {plain.URL + "/page", roots, NotACME, "web page", "/directory"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Dial(t.Context(), Config{Directory: test.url, Roots: test.roots})
			var e *DirectoryError
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want a DirectoryError", err)
			}
			if e.Reason != test.reason || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "directory "+test.url+": ") {
				t.Errorf("got reason %d, %q; want %d, %q", e.Reason, err, test.reason, test.want)
			}
			if !strings.Contains(e.Hint(), test.hint) || test.hint == "" && e.Hint() != "" {
				t.Errorf("got hint %q, want %q", e.Hint(), test.hint)
			}
			if strings.Count(err.Error(), test.url) > 1 {
				t.Errorf("got %q, want the URL once", err)
			}
		})
	}
	for _, url := range []string{"http://ca.test/directory", "http://192.0.2.1/directory", "ftp://127.0.0.1/directory", "http://localhost.ca.test/directory", server.URL + "/downgrade"} {
		_, err := Dial(t.Context(), Config{Directory: url, Roots: roots})
		if err == nil || !strings.Contains(err.Error(), "is not https") {
			t.Errorf("%s: got %v, want an error that it is not https", url, err)
		}
	}
}

func TestDialCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Dial(ctx, Config{Directory: fakeURL, Transport: newFake(nil, nil)}); err != context.Canceled {
		t.Errorf("got %v, want the context's error alone", err)
	}
}

// closedPort returns an address at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A clock that is wrong is what an expired certificate mostly means.
func TestExpiredDirectory(t *testing.T) {
	leaf := &x509.Certificate{NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)}
	e := &DirectoryError{Reason: Untrusted, Err: &tls.CertificateVerificationError{
		UnverifiedCertificates: []*x509.Certificate{leaf}, Err: x509.CertificateInvalidError{Cert: leaf, Reason: x509.Expired},
	}}
	if got := e.Hint(); !strings.HasPrefix(got, "is this machine's clock right? It says ") || !strings.Contains(got, leaf.NotAfter.Local().Format(time.DateTime)) {
		t.Errorf("got hint %q", got)
	}
}
