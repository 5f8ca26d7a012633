package issuance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"certctl/acme"
	"certctl/store"
)

// Rollover gives the account at a CA a new key. The new one is on disk before
// the CA hears of it, and the old one until the CA is known to use the new one:
// a run that is cut off anywhere loses neither, and settle finds out which is
// used. A rollover that was cut off is finished with the key that it was for.
func Rollover(ctx context.Context, ca *acme.CA, s *store.Store, t KeyType) (*acme.Account, error) {
	saved, err := s.LoadAccount(ca.URL)
	if errors.Is(err, fs.ErrNotExist) || err == nil && saved.URL == "" {
		return nil, &UnregisteredError{Directory: ca.URL}
	}
	if err != nil {
		return nil, err
	}
	if saved.NextKey != nil {
		if err := settle(ctx, ca, s, saved); err != nil || saved.NextKey == nil {
			return ca.Account(saved.URL, saved.Key), err
		}
	} else {
		if saved.NextKey, err = NewKey(t); err != nil {
			return nil, err
		}
		if err := s.SaveNextKey(ca.URL, saved.NextKey); err != nil {
			return nil, err
		}
	}
	account := ca.Account(saved.URL, saved.Key)
	if err := account.Rollover(ctx, saved.NextKey); err != nil {
		return unsure(ctx, ca, s, saved, err)
	}
	return account, s.UseNextKey(ca.URL)
}

// unsure finds out what an error of a rollover means. The CA may have changed
// the key all the same, where only its answer was lost; then a second try is
// refused, because the old key has signed it.
func unsure(ctx context.Context, ca *acme.CA, s *store.Store, saved *store.Account, failure error) (*acme.Account, error) {
	if err := settle(ctx, ca, s, saved); err != nil {
		return nil, errors.Join(failure, err)
	}
	if saved.NextKey == nil {
		return ca.Account(saved.URL, saved.Key), nil
	}
	if refused(failure) {
		return nil, errors.Join(failure, s.DropNextKey(ca.URL))
	}
	return nil, failure
}

// refused reports whether a rollover was not made, for sure.
func refused(err error) bool {
	if p, ok := errors.AsType[*acme.Problem](err); ok {
		return p.Status < 500
	}
	_, ok := errors.AsType[*acme.UnsupportedError](err)
	return ok
}

// settle finds out which key the account has at the CA when a rollover was cut
// off. That the CA does not know the new one is not final: a request may still
// be on its way. So both are kept, and the old one is used.
func settle(ctx context.Context, ca *acme.CA, s *store.Store, saved *store.Account) error {
	if saved.NextKey == nil {
		return nil
	}
	found, err := ca.Find(ctx, saved.NextKey)
	if _, none := errors.AsType[*acme.NoAccountError](err); none {
		return nil
	}
	if err != nil {
		return fmt.Errorf("which of two keys the account has: %w", err)
	}
	if found.URL != saved.URL {
		saved.NextKey = nil
		return s.DropNextKey(ca.URL) // another account's: no rollover can succeed with it
	}
	saved.Key, saved.NextKey = saved.NextKey, nil
	return s.UseNextKey(ca.URL)
}
