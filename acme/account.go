package acme

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"

	"golang.org/x/crypto/acme"
)

// ExternalAccount is an external account binding (RFC 8555 §7.3.4).
type ExternalAccount struct {
	KeyID string
	Key   []byte // HMAC key, never shown
}

// String shows the key's identifier, never the key.
func (e ExternalAccount) String() string { return fmt.Sprintf("{%s redacted}", e.KeyID) }

// GoString is String, so that %#v does not show the key either.
func (e ExternalAccount) GoString() string { return e.String() }

// Registration is what newAccount needs.
type Registration struct {
	Key        crypto.Signer
	Contact    []string // "mailto:…" URLs
	AgreeTerms bool
	External   *ExternalAccount
}

// Account is an account at a CA.
type Account struct {
	URL string
	CA  *CA

	key    crypto.Signer
	client *acme.Client
}

// Account returns a known account, without asking the CA.
func (c *CA) Account(url string, key crypto.Signer) *Account {
	return &Account{URL: url, CA: c, key: key, client: &acme.Client{
		Key:          key,
		KID:          acme.KeyID(url),
		DirectoryURL: c.URL,
		HTTPClient:   &http.Client{Transport: &shortcut{ca: c}, Timeout: c.http.Timeout},
		RetryBackoff: backoff,
	}}
}

// Register creates the account, or finds the one that the key already has. An
// error with a hint says when terms must be agreed to or an external account
// is needed.
func (c *CA) Register(ctx context.Context, r Registration) (*Account, error) {
	a := c.Account("", r.Key)
	missing := c.missing(r)
	if missing == nil {
		return a, a.create(ctx, r)
	}
	// An account that exists has all that it needed.
	known, err := a.client.GetReg(ctx, "")
	switch {
	case err == nil:
		return c.Account(known.URI, r.Key), nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	default:
		return nil, missing
	}
}

// missing says what the CA wants that the registration lacks.
func (c *CA) missing(r Registration) error {
	switch {
	case c.Terms != "" && !r.AgreeTerms:
		return &TermsError{URL: c.Terms}
	case c.ExternalAccountRequired && r.External == nil:
		return &ExternalAccountError{Directory: c.URL}
	default:
		return nil
	}
}

func (a *Account) create(ctx context.Context, r Registration) error {
	wanted := &acme.Account{Contact: r.Contact}
	if r.External != nil {
		wanted.ExternalAccountBinding = &acme.ExternalAccountBinding{KID: r.External.KeyID, Key: r.External.Key}
	}
	_, err := a.client.Register(ctx, wanted, acme.AcceptTOS)
	if err != nil && !errors.Is(err, acme.ErrAccountAlreadyExists) {
		return fmt.Errorf("new account: %w", fromClient(err))
	}
	a.URL = string(a.client.KID)
	if a.URL == "" {
		return errors.New("new account: the CA does not say its URL")
	}
	return nil
}

// TermsError says that the CA's terms of service have not been agreed to.
type TermsError struct {
	URL string
}

func (e *TermsError) Error() string {
	return fmt.Sprintf("the CA's terms of service must be agreed to: %s", e.URL)
}

// Hint returns what the user can do.
func (e *TermsError) Hint() string {
	return "read them, then give --agree-tos or write `agree_tos: true` below `acme:`"
}

// ExternalAccountError says that the CA opens accounts for its customers only
// (RFC 8555 §7.3.4).
type ExternalAccountError struct {
	Directory string
}

func (e *ExternalAccountError) Error() string {
	return fmt.Sprintf("the CA at %s wants an external account binding", e.Directory)
}

// Hint returns what the user can do.
func (e *ExternalAccountError) Hint() string { return externalAccountHint }

const externalAccountHint = "get a key identifier and an HMAC key from the CA and write them to `acme: eab:` as {kid: …, hmac: …}"
