package acme

import (
	"context"
	"crypto"
	"crypto/x509"
	"net/http"
	"time"
)

// Config says how to reach a CA.
type Config struct {
	Directory string            // URL of the directory (RFC 8555 §7.1.1)
	Roots     *x509.CertPool    // for the directory's own TLS; nil: the system's
	UserAgent string            // RFC 8555 §6.1
	Transport http.RoundTripper // nil: one of our own with few connections
}

// CA is a certificate authority whose directory has been read.
type CA struct {
	URL                     string // of the directory
	Terms                   string
	Website                 string
	CAAIdentities           []string
	ExternalAccountRequired bool
	Profiles                map[string]string // name to description
	RenewalInfo             string            // URL (RFC 9773), or ""
}

// Dial reads the directory. The error says whether the server could not be
// reached, is not trusted (with a hint at ca_file), or is not an ACME server.
func Dial(ctx context.Context, c Config) (*CA, error) { panic("not yet written") }

// ExternalAccount is an external account binding (RFC 8555 §7.3.4).
type ExternalAccount struct {
	KeyID string
	Key   []byte // HMAC key, never shown
}

// Registration is what newAccount needs.
type Registration struct {
	Key        crypto.Signer
	Contact    []string // "mailto:…" URLs
	AgreeTerms bool
	External   *ExternalAccount
}

// Register creates the account, or finds the one that the key already has. An
// error with a hint says when terms must be agreed to or an external account
// is needed.
func (c *CA) Register(ctx context.Context, r Registration) (*Account, error) {
	panic("not yet written")
}

// Account returns a known account, without asking the CA.
func (c *CA) Account(url string, key crypto.Signer) *Account { panic("not yet written") }

// Account is an account at a CA.
type Account struct {
	URL string
	CA  *CA
}

// Request is what a new order asks for.
type Request struct {
	Names     []string  // DNS names as A-labels, wildcards with "*."
	Profile   string    // "" for the CA's default
	Replaces  string    // ARI certificate identifier (RFC 9773 §5), or ""
	NotBefore time.Time // zero: the CA's choice
	NotAfter  time.Time
}

// NewOrder places an order. An unknown profile is an error that lists those
// that there are.
func (a *Account) NewOrder(ctx context.Context, r Request) (*Order, error) { panic("not yet written") }

// Order fetches an order placed earlier.
func (a *Account) Order(ctx context.Context, url string) (*Order, error) { panic("not yet written") }
