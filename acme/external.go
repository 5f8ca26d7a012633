package acme

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// ExternalAccountFor asks a CA's web service for an external account for an
// address of e-mail. ZeroSSL has one, which is no part of ACME: a form with the
// address is answered with {"success": true, "eab_kid": …, "eab_hmac_key": …}.
func ExternalAccountFor(ctx context.Context, c Config, service, email string) (*ExternalAccount, error) {
	form := url.Values{"email": {email}}.Encode()
	post := func() (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, service, strings.NewReader(form))
		if err == nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		return req, err
	}
	_, body, err := (&CA{URL: service, http: newClient(c)}).send(post)
	if err != nil {
		return nil, fmt.Errorf("external account of %s: %w", service, err)
	}
	var w struct {
		Success bool   `json:"success"`
		KeyID   string `json:"eab_kid"`
		HMAC    string `json:"eab_hmac_key"`
		Error   struct {
			Type string `json:"type"`
		} `json:"error"`
	}
	if err := json.Unmarshal(body, &w); err != nil {
		return nil, fmt.Errorf("external account of %s: the answer is not as expected", service) // it may hold the key
	}
	key, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(w.HMAC, "="))
	if !w.Success || w.KeyID == "" || err != nil || len(key) == 0 {
		return nil, fmt.Errorf("external account of %s: refused: %s", service, plain(w.Error.Type))
	}
	return &ExternalAccount{KeyID: w.KeyID, Key: key}, nil
}
