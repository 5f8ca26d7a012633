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
	known, err := c.Find(ctx, r.Key)
	switch {
	case err == nil:
		return known, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	default:
		return nil, missing
	}
}

// Find returns the account that the CA has for a key (RFC 8555 §7.3.1). Where
// it has none the error is a *NoAccountError.
func (c *CA) Find(ctx context.Context, key crypto.Signer) (*Account, error) {
	known, err := c.Account("", key).client.GetReg(ctx, "")
	if errors.Is(err, acme.ErrNoAccount) {
		return nil, &NoAccountError{Directory: c.URL}
	}
	if err != nil {
		return nil, fmt.Errorf("account by key: %w", fromClient(err))
	}
	if known.URI == "" {
		return nil, errors.New("account by key: the CA does not say its URL")
	}
	return c.Account(known.URI, key), nil
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
		err = fmt.Errorf("new account: %w", fromClient(err))
		if r.External != nil {
			return &bindingError{err}
		}
		return err
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

// bindingError is a refusal of a registration with an external account.
type bindingError struct {
	err error
}

func (e *bindingError) Error() string { return e.err.Error() }
func (e *bindingError) Unwrap() error { return e.err }

// Hint says where to look when it was the CA that refused.
func (e *bindingError) Hint() string {
	var p *Problem
	if !errors.As(e.err, &p) || p.RateLimited() || p.Status >= http.StatusInternalServerError {
		return ""
	}
	return "look at the key identifier and the HMAC key of the external account: both have to be those that the CA gave, and some CAs take a pair only once, and only for some days"
}

// NoAccountError says that the CA has no account for a key.
type NoAccountError struct {
	Directory string
}

func (e *NoAccountError) Error() string {
	return fmt.Sprintf("the CA at %s has no account for this key", e.Directory)
}

// Hint returns what the user can do.
func (e *NoAccountError) Hint() string {
	return "if it was registered at another CA, name that with --server; if its key was changed elsewhere, import the account from there"
}
