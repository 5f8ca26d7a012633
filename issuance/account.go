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
		err := settle(ctx, ca, s, saved)
		return ca.Account(saved.URL, saved.Key), err
	}
	r.Key = saved.Key
	account, err := ca.Register(ctx, r)
	if err != nil {
		return nil, err
	}
	saved.URL, saved.Contact, saved.Terms = account.URL, r.Contact, ca.Terms
	return account, s.SaveAccount(saved)
}

// KnownAccount returns the account that the store has for a CA. Without one the
// error is an *UnregisteredError: none is registered.
func KnownAccount(ctx context.Context, ca *acme.CA, s *store.Store) (*acme.Account, error) {
	saved, err := s.LoadAccount(ca.URL)
	if errors.Is(err, fs.ErrNotExist) || err == nil && saved.URL == "" {
		return nil, &UnregisteredError{Directory: ca.URL}
	}
	if err != nil {
		return nil, err
	}
	err = settle(ctx, ca, s, saved)
	return ca.Account(saved.URL, saved.Key), err
}

// UnregisteredError says that there is no account at a CA in the store.
type UnregisteredError struct {
	Directory string
}

func (e *UnregisteredError) Error() string {
	return "there is no account at " + e.Directory + " here"
}

// Hint says how to come by one.
func (e *UnregisteredError) Hint() string {
	return "certctl account register makes one; import and recover bring one along; --server names another CA"
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

// ReplaceAccount registers an account with a new key, and keeps it in the place
// of the one at this CA. That one stays where the CA refuses.
func ReplaceAccount(ctx context.Context, ca *acme.CA, s *store.Store, r acme.Registration) (account *acme.Account, err error) {
	if r.Key, err = NewKey(ECDSAP256); err != nil {
		return nil, err
	}
	if account, err = ca.Register(ctx, r); err != nil {
		return nil, err
	}
	return account, s.SaveAccount(&store.Account{Directory: ca.URL, URL: account.URL, Contact: r.Contact, Terms: ca.Terms, Key: r.Key})
}
