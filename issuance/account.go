package issuance

import (
	"context"
	"crypto"
	"errors"
	"io/fs"

	"certctl/acme"
	"certctl/store"
)

// OpenAccount returns the account that the store has for a CA, and registers
// one where there is none. The key is on disk before the CA hears of it, so
// that an account is never lost to a crash.
func OpenAccount(ctx context.Context, ca *acme.CA, s *store.Store, r acme.Registration) (*acme.Account, error) {
	saved, err := loadAccount(s, ca.URL)
	if err != nil {
		return nil, err
	}
	if saved.URL != "" {
		return ca.Account(saved.URL, saved.Key), nil
	}
	r.Key = saved.Key
	account, err := ca.Register(ctx, r)
	if err != nil {
		return nil, err
	}
	saved.URL, saved.Contact = account.URL, r.Contact
	return account, s.SaveAccount(saved)
}

// loadAccount returns the saved account, or a new one with nothing but a key.
func loadAccount(s *store.Store, directory string) (*store.Account, error) {
	saved, err := s.LoadAccount(directory)
	if !errors.Is(err, fs.ErrNotExist) {
		return saved, err
	}
	var key crypto.Signer
	if key, err = NewKey(ECDSAP256); err != nil {
		return nil, err
	}
	saved = &store.Account{Directory: directory, Key: key}
	return saved, s.SaveAccount(saved)
}
