package lab

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"path"
	"time"

	"github.com/letsencrypt/pebble/v2/acme"
	"github.com/letsencrypt/pebble/v2/db"
)

// withoutReuse has Pebble use no valid authorization of an ended order again. It
// cannot be told so: of what it is told to never use, it uses one of a hundred.
func withoutReuse(store *db.MemoryStore, pebble http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client is gone
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		account, wanted := orderIn(body)
		for _, identifier := range wanted {
			endReuse(store, account, identifier)
		}
		pebble.ServeHTTP(w, r)
	})
}

// orderIn reads who wants an order for what. Of other requests nothing comes.
func orderIn(body []byte) (account string, wanted []acme.Identifier) {
	var signed struct{ Protected, Payload string }
	var header struct{ KID string }
	var order struct{ Identifiers []acme.Identifier }
	if json.Unmarshal(body, &signed) != nil {
		return "", nil
	}
	for text, into := range map[string]any{signed.Protected: &header, signed.Payload: &order} {
		if decoded, err := base64.RawURLEncoding.DecodeString(text); err == nil {
			_ = json.Unmarshal(decoded, into) // Pebble says what is wrong with it
		}
	}
	return path.Base(header.KID), order.Identifiers
}

// endReuse lets an authorization end whose order has ended.
func endReuse(store *db.MemoryStore, account string, identifier acme.Identifier) {
	authz := store.FindValidAuthorization(account, identifier)
	if authz == nil {
		return
	}
	if status, err := authz.Order.GetStatus(); err != nil || status != acme.StatusValid && status != acme.StatusInvalid {
		return
	}
	authz.Lock()
	defer authz.Unlock()
	authz.ExpiresDate = time.Now()
}
