package acme

import (
	"context"
	"crypto"
	"fmt"
)

// Rollover gives the account another key (RFC 8555 §7.3.5). An error does not
// say that the CA has kept the old one: its answer may have been lost. Find
// tells.
func (a *Account) Rollover(ctx context.Context, key crypto.Signer) error {
	if a.CA.keyChange == "" {
		return &UnsupportedError{What: "key rollover", Directory: a.CA.URL}
	}
	if err := a.client.AccountKeyRollover(ctx, key); err != nil {
		return fmt.Errorf("key rollover: %w", fromClient(err))
	}
	a.key = key
	return nil
}

// UnsupportedError says that a CA's directory lacks what was asked for.
type UnsupportedError struct {
	What      string
	Directory string
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("the CA at %s has no %s", e.Directory, e.What)
}
