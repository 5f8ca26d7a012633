package acme

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// bindingService is a web service that gives out external accounts as ZeroSSL's
// does.
func bindingService(t *testing.T, answer func(email string) (status int, body string)) (url string, c Config) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/acme/eab-credentials-email" {
			t.Errorf("got %s %s", r.Method, r.URL)
		}
		status, body := answer(r.FormValue("email"))
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.URL + "/acme/eab-credentials-email", Config{Roots: roots}
}

func TestExternalAccountFor(t *testing.T) {
	p := startPebble(t, pebbleOptions{externalAccount: true})
	hmac := base64.RawURLEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	if err := p.db.AddExternalAccountKeyByID("kid-1", hmac); err != nil {
		t.Fatal(err)
	}
	url, c := bindingService(t, func(email string) (int, string) {
		if email != "ops+acme@example.com" {
			t.Errorf("got the address %q", email)
		}
		return 200, `{"success":true,"eab_kid":"kid-1","eab_hmac_key":"` + hmac + `"}`
	})
	binding, err := ExternalAccountFor(t.Context(), c, url, "ops+acme@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.dial(t).Register(t.Context(), Registration{Key: newKey(t), AgreeTerms: true, External: binding}); err != nil {
		t.Error(err)
	}
}

func TestExternalAccountForRefused(t *testing.T) {
	for body, want := range map[string]string{
		`{"success":false,"error":{"code":2900,"type":"invalid_email_address"}}`: "refused: invalid_email_address",
		`{"success":true,"eab_kid":"kid-1","eab_hmac_key":"not a key!"}`:         "refused",
		`{"success":true}`: "refused",
		`<html>busy`:       "not as expected",
		`eab_hmac_key=ab`:  "not as expected",
	} {
		url, c := bindingService(t, func(string) (int, string) { return 200, body })
		_, err := ExternalAccountFor(t.Context(), c, url, "ops@example.com")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "ab_hmac") || strings.Contains(err.Error(), "not a key") {
			t.Errorf("%s: got %v, want %q and no key", body, err, want)
		}
	}
}
