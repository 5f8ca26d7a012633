package lab

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/acme"
	"github.com/letsencrypt/pebble/v2/core"
	"github.com/letsencrypt/pebble/v2/db"
)

// An authorization can be used again until its order has ended and another is
// wanted by the same account for the same name.
func TestWithoutReuse(t *testing.T) {
	const body = `{"protected":"%s","payload":"%s","signature":"x"}`
	encode := base64.RawURLEncoding.EncodeToString
	for _, test := range []struct {
		name, account, wanted string
		ended                 bool
		want                  bool // it can be used again
	}{
		{"ended", "1234", "www.example.com", true, false},
		{"not ended", "1234", "www.example.com", false, true},
		{"another account", "5678", "www.example.com", true, true},
		{"another name", "1234", "example.com", true, true},
	} {
		store, name := db.NewMemoryStore(), acme.Identifier{Type: "dns", Value: "www.example.com"}
		order := &core.Order{ID: "o", AccountID: "1234"}
		authz := &core.Authorization{ID: "a", Order: order, ExpiresDate: time.Now().Add(time.Hour)}
		authz.Identifier, authz.Status = name, acme.StatusValid
		order.Identifiers, order.AuthorizationObjects = []acme.Identifier{name}, []*core.Authorization{authz}
		if test.ended {
			order.CertificateObject = &core.Certificate{}
		}
		if _, err := store.AddAuthorization(authz); err != nil {
			t.Fatal(err)
		}
		sent := fmt.Sprintf(body, encode([]byte(`{"kid":"https://127.0.0.1/my-account/`+test.account+`"}`)),
			encode([]byte(`{"identifiers":[{"type":"dns","value":"`+test.wanted+`"}]}`)))
		var passed string
		pebble := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			text, _ := io.ReadAll(r.Body)
			passed = string(text)
		})
		withoutReuse(store, pebble).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/order-plz", strings.NewReader(sent)))
		if got := store.FindValidAuthorization("1234", name) != nil; got != test.want {
			t.Errorf("%s: got %v, want it to be used again: %v", test.name, got, test.want)
		}
		if passed != sent {
			t.Errorf("%s: got %q passed on, want %q", test.name, passed, sent)
		}
	}
}
