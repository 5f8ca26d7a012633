package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
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

	http       *http.Client
	directory  []byte // as it was read
	newNonce   string
	newOrder   string
	revokeCert string // "": it cannot be asked to
	keyChange  string // "": it cannot be asked to
	nonces     nonces
	issuers    []string // of records of dns-persist-01; none: the directory does not say
	hashPrefix string   // of what names accounts in them; "" for their URL
}

// Dial reads the directory. The error says whether the server could not be
// reached, is not trusted (with a hint at ca_file), or is not an ACME server.
func Dial(ctx context.Context, c Config) (*CA, error) {
	ca := &CA{URL: c.Directory, http: newClient(c)}
	get := func() (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodGet, c.Directory, nil)
	}
	res, body, err := ca.send(get)
	if err != nil {
		return nil, dialError(ctx, c.Directory, err)
	}
	if err := ca.parse(body); err != nil {
		answered := res.Request.URL.String()
		return nil, &DirectoryError{URL: c.Directory, Reason: NotACME, Err: err, answered: answered}
	}
	return ca, nil
}

// wireDirectory is RFC 8555 §7.1.1, with RFC 9773 §4.1 and the profiles of
// draft-ietf-acme-profiles.
type wireDirectory struct {
	NewNonce    string `json:"newNonce"`
	NewAccount  string `json:"newAccount"`
	NewOrder    string `json:"newOrder"`
	RevokeCert  string `json:"revokeCert"`
	KeyChange   string `json:"keyChange"`
	RenewalInfo string `json:"renewalInfo"`
	Meta        struct {
		Terms                   string            `json:"termsOfService"`
		Website                 string            `json:"website"`
		CAAIdentities           []string          `json:"caaIdentities"`
		ExternalAccountRequired bool              `json:"externalAccountRequired"`
		Profiles                map[string]string `json:"profiles"`
	} `json:"meta"`
}

func (c *CA) parse(directory []byte) error {
	var w wireDirectory
	if err := json.Unmarshal(directory, &w); err != nil {
		if strings.HasPrefix(strings.TrimSpace(string(directory)), "<") {
			return errors.New("not an ACME directory but a web page")
		}
		return fmt.Errorf("not an ACME directory: %w", err)
	}
	if w.NewNonce == "" || w.NewAccount == "" || w.NewOrder == "" {
		return errors.New("not an ACME directory: newNonce, newAccount or newOrder is missing")
	}
	c.directory, c.newNonce, c.newOrder = directory, w.NewNonce, w.NewOrder
	c.revokeCert, c.keyChange = w.RevokeCert, w.KeyChange
	c.Terms, c.Website, c.CAAIdentities = plain(w.Meta.Terms), plain(w.Meta.Website), nil
	for _, identity := range w.Meta.CAAIdentities {
		c.CAAIdentities = append(c.CAAIdentities, plain(identity))
	}
	c.readPersist(directory)
	c.ExternalAccountRequired, c.Profiles, c.RenewalInfo = w.Meta.ExternalAccountRequired, w.Meta.Profiles, w.RenewalInfo
	return nil
}

// Reason is why a directory could not be used.
type Reason int

// The reasons of a DirectoryError.
const (
	Unreachable Reason = iota // no answer, or the server says that it cannot
	Untrusted                 // its TLS certificate does not verify
	NotACME                   // it answered, but not with a directory
)

// DirectoryError says why a directory could not be used. Another CA may be
// tried in its place.
type DirectoryError struct {
	URL    string
	Reason Reason
	Err    error

	answered string // URL that answered, after redirects
}

func (e *DirectoryError) Error() string { return fmt.Sprintf("directory %s: %v", e.URL, e.Err) }

func (e *DirectoryError) Unwrap() error { return e.Err }

// Hint returns what the user can do.
func (e *DirectoryError) Hint() string {
	switch e.Reason {
	case Untrusted:
		return untrustedHint(e.Err)
	case NotACME:
		if e.answered != "" && e.answered != e.URL {
			return fmt.Sprintf("the answer came from %s; `acme: directory:` needs the URL of the directory itself, which often ends in /directory", e.answered)
		}
		return "`acme: directory:` needs the URL of the directory itself, which often ends in /directory"
	default:
		return ""
	}
}

func untrustedHint(err error) string {
	var verification *tls.CertificateVerificationError
	if !errors.As(err, &verification) || len(verification.UnverifiedCertificates) == 0 {
		return ""
	}
	leaf := verification.UnverifiedCertificates[0]
	if host := new(x509.HostnameError); errors.As(err, host) {
		return fmt.Sprintf("the server's certificate is for %s", strings.Join(leaf.DNSNames, ", "))
	}
	if invalid := new(x509.CertificateInvalidError); errors.As(err, invalid) && invalid.Reason == x509.Expired {
		return fmt.Sprintf("is this machine's clock right? It says %s; the server's certificate is for %s to %s",
			time.Now().Format(time.DateTime), leaf.NotBefore.Local().Format(time.DateTime), leaf.NotAfter.Local().Format(time.DateTime))
	}
	if unknown := new(x509.UnknownAuthorityError); errors.As(err, unknown) {
		return fmt.Sprintf("if this server is yours, give the certificate of %q, which signed its own, as a PEM file in `acme: ca_file:`", leaf.Issuer)
	}
	return ""
}

// dialError sorts what went wrong on the way to the directory.
func dialError(ctx context.Context, directory string, err error) error {
	if ctx.Err() == context.Canceled {
		return ctx.Err()
	}
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err // it repeats the URL
	}
	e := &DirectoryError{URL: directory, Reason: Unreachable, Err: err}
	var untrusted *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	var insecure *insecureError
	var problem *Problem
	switch {
	case errors.As(err, &insecure):
		return fmt.Errorf("directory: %w", err)
	case errors.As(err, &untrusted):
		e.Reason = Untrusted
	case errors.As(err, &plain), errors.Is(err, http.ErrSchemeMismatch):
		e.Reason = NotACME
	case errors.As(err, &problem) && problem.Status < 500 && problem.Status != http.StatusTooManyRequests:
		e.Reason = NotACME
	}
	return e
}
