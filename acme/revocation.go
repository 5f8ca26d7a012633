package acme

import (
	"context"
	"crypto"
	"fmt"
	"strings"

	"golang.org/x/crypto/acme"
)

// RevocationReason is why a certificate is revoked (RFC 5280 §5.3.1).
type RevocationReason string

// The reasons that CAs take from subscribers.
const (
	Unspecified          RevocationReason = "unspecified"
	KeyCompromise        RevocationReason = "keyCompromise"
	AffiliationChanged   RevocationReason = "affiliationChanged"
	Superseded           RevocationReason = "superseded"
	CessationOfOperation RevocationReason = "cessationOfOperation"
)

// RevocationReasons are all of them, the default first.
var RevocationReasons = []RevocationReason{Unspecified, KeyCompromise, AffiliationChanged, Superseded, CessationOfOperation}

// ParseRevocationReason reads a reason's name, in upper or lower case.
func ParseRevocationReason(word string) (RevocationReason, error) {
	for _, r := range RevocationReasons {
		if strings.EqualFold(word, string(r)) {
			return r, nil
		}
	}
	return "", fmt.Errorf("%q is not one of %s", word, joinReasons())
}

func joinReasons() string {
	var words []string
	for _, r := range RevocationReasons {
		words = append(words, string(r))
	}
	return strings.Join(words, ", ")
}

func (r RevocationReason) code() acme.CRLReasonCode {
	switch r {
	case KeyCompromise:
		return acme.CRLReasonKeyCompromise
	case AffiliationChanged:
		return acme.CRLReasonAffiliationChanged
	case Superseded:
		return acme.CRLReasonSuperseded
	case CessationOfOperation:
		return acme.CRLReasonCessationOfOperation
	default:
		return acme.CRLReasonUnspecified
	}
}

// Revoke revokes a certificate (DER) in the account's name: one that it has
// ordered, or for whose names it holds valid authorizations (RFC 8555 §7.6).
// One that is revoked already is fine.
func (a *Account) Revoke(ctx context.Context, certificate []byte, why RevocationReason) error {
	return a.revoke(ctx, nil, certificate, why)
}

// Revoke revokes a certificate (DER) in the name of its own private key, which
// needs no account (RFC 8555 §7.6). One that is revoked already is fine.
func (c *CA) Revoke(ctx context.Context, key crypto.Signer, certificate []byte, why RevocationReason) error {
	return c.Account("", key).revoke(ctx, key, certificate, why)
}

func (a *Account) revoke(ctx context.Context, key crypto.Signer, certificate []byte, why RevocationReason) error {
	if a.CA.revokeCert == "" {
		return &UnsupportedError{What: "revocation", Directory: a.CA.URL}
	}
	if err := a.client.RevokeCert(ctx, key, certificate, why.code()); err != nil {
		return fmt.Errorf("revoke: %w", fromClient(err))
	}
	return nil
}
