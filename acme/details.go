package acme

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"

	"golang.org/x/crypto/acme"
)

// Details is what the CA says about an account (RFC 8555 §7.1.2).
type Details struct {
	Status  Status   `json:"status"`
	Contact []string `json:"contact"`
}

// Details asks the CA about the account.
func (a *Account) Details(ctx context.Context) (*Details, error) {
	d := new(Details)
	if _, err := a.post(ctx, a.URL, nil, d); err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	return d.plain(), nil
}

// SetContact tells the CA where it may write to: "mailto:…" URLs, or none
// (RFC 8555 §7.3.2).
func (a *Account) SetContact(ctx context.Context, contact []string) (*Details, error) {
	change := struct {
		Contact []string `json:"contact"`
	}{append([]string{}, contact...)} // [] and not null, which would change nothing
	d := new(Details)
	if _, err := a.post(ctx, a.URL, change, d); err != nil {
		return nil, fmt.Errorf("update account: %w", err)
	}
	return d.plain(), nil
}

func (d *Details) plain() *Details {
	d.Status = Status(plain(string(d.Status)))
	for i, url := range d.Contact {
		d.Contact[i] = plain(url)
	}
	return d
}

// Deactivate ends the account for good (RFC 8555 §7.3.6). Its certificates
// stay valid.
func (a *Account) Deactivate(ctx context.Context) error {
	change := struct {
		Status Status `json:"status"`
	}{Deactivated}
	if _, err := a.post(ctx, a.URL, change, nil); err != nil {
		return fmt.Errorf("deactivate account: %w", err)
	}
	return nil
}

// Public returns the account's public key.
func (a *Account) Public() crypto.PublicKey { return a.key.Public() }

// Thumbprint returns the hash of the account's key that is part of every
// validation (RFC 8555 §8.1, RFC 7638).
func (a *Account) Thumbprint() (string, error) { return acme.JWKThumbprint(a.key.Public()) }

// Label returns the label that stands before _acme-challenge for this account
// alone (draft-ietf-acme-dns-account-label §3.2). It stays the same when the
// account's key changes.
func (a *Account) Label() string {
	digest := sha256.Sum256([]byte(a.URL))
	return "_" + strings.ToLower(base32.StdEncoding.EncodeToString(digest[:10]))
}
