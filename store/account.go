package store

import (
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
)

// Account is an account at a CA. One with a key but without a URL was perhaps
// registered, perhaps not: registering it again with the same key finds out
// (RFC 8555 §7.3.1).
type Account struct {
	Directory string        // URL of the CA's directory
	URL       string        // of the account, "" until the CA has confirmed it
	Contact   []string      // as the CA knows them: "mailto:…"
	Terms     string        // URL of the terms of service that were agreed to, or ""
	CAFile    string        // path of the roots that the directory's own TLS is checked against, as it was last given; "" for the system's
	Key       crypto.Signer // of the account
	NextKey   crypto.Signer // perhaps of the account by now; nil unless a key rollover was cut off
}

// The files of an account.
const (
	accountFileName = "account.json"
	keyFile         = "key.pem"
	nextKeyFile     = "next-key.pem"
)

type accountFile struct {
	Version   int      `json:"version"`
	Directory string   `json:"directory"`
	URL       string   `json:"url,omitempty"`
	Contact   []string `json:"contact,omitempty"`
	Terms     string   `json:"terms,omitempty"`
	CAFile    string   `json:"ca_file,omitempty"`
}

// LoadAccount returns the account at the CA with this directory URL. Without
// one the error is fs.ErrNotExist.
func (s *Store) LoadAccount(directory string) (*Account, error) {
	name, err := accountName(directory)
	if err != nil {
		return nil, err
	}
	key, err := readKey(s.path("accounts", name, keyFile))
	if err != nil {
		return nil, err
	}
	next, err := readKey(s.path("accounts", name, nextKeyFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	path := s.path("accounts", name, accountFileName)
	file := accountFile{Directory: directory}
	if err := loadJSON(path, &file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if file.Directory != directory {
		return nil, fmt.Errorf("%s: it is for %s, not for %s", path, file.Directory, directory)
	}
	return &Account{Directory: directory, URL: file.URL, Contact: file.Contact, Terms: file.Terms, CAFile: file.CAFile, Key: key, NextKey: next}, nil
}

// SaveAccount keeps an account, in the place of an older one at this CA. The
// key is kept first, and what belongs to an older key removed before it, so that
// no crash leaves the URL of one account beside the key of another. NextKey is
// SaveNextKey's.
func (s *Store) SaveAccount(a *Account) error {
	name, err := accountName(a.Directory)
	if err != nil {
		return err
	}
	key, err := encodeKey(a.Key)
	if err != nil {
		return err
	}
	path, keyPath := s.path("accounts", name, accountFileName), s.path("accounts", name, keyFile)
	if old, err := os.ReadFile(keyPath); err != nil || string(old) != string(key) {
		if err := s.disk.remove(path); err != nil {
			return err
		}
		if err := s.disk.remove(s.path("accounts", name, nextKeyFile)); err != nil {
			return err
		}
		if err := s.disk.write(keyPath, key, modeSecret); err != nil {
			return err
		}
	}
	return s.saveJSON(path, accountFile{version, a.Directory, a.URL, a.Contact, a.Terms, a.CAFile})
}

// SaveNextKey keeps the key that an account is about to get beside the one that
// it has, before the CA hears of it.
func (s *Store) SaveNextKey(directory string, key crypto.Signer) error {
	name, err := accountName(directory)
	if err != nil {
		return err
	}
	text, err := encodeKey(key)
	if err != nil {
		return err
	}
	return s.disk.write(s.path("accounts", name, nextKeyFile), text, modeSecret)
}

// UseNextKey makes the next key the account's only one, when the CA is known to
// use it.
func (s *Store) UseNextKey(directory string) error {
	name, err := accountName(directory)
	if err != nil {
		return err
	}
	return s.disk.rename(s.path("accounts", name, nextKeyFile), s.path("accounts", name, keyFile))
}

// DropNextKey forgets the next key, when the CA is known to have refused it.
func (s *Store) DropNextKey(directory string) error {
	name, err := accountName(directory)
	if err != nil {
		return err
	}
	return s.disk.remove(s.path("accounts", name, nextKeyFile))
}

// RemoveAccount forgets an account and its keys; none is fine.
func (s *Store) RemoveAccount(directory string) error {
	name, err := accountName(directory)
	if err != nil {
		return err
	}
	for _, file := range []string{accountFileName, nextKeyFile, keyFile} {
		if err := s.disk.remove(s.path("accounts", name, file)); err != nil {
			return err
		}
	}
	_ = s.disk.remove(s.path("accounts", name)) // stays if somebody else has put something there
	return nil
}

// Accounts returns all accounts, in the order of their directories' names, and
// an error for each that cannot be read. A key without account.json, which a
// crash may leave, is no account yet.
func (s *Store) Accounts() ([]*Account, error) {
	list, err := names(s.path("accounts"))
	errs := []error{err}
	var accounts []*Account
	for _, name := range list {
		var file accountFile
		err := loadJSON(s.path("accounts", name, accountFileName), &file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var a *Account
		if err == nil {
			a, err = s.LoadAccount(file.Directory)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		accounts = append(accounts, a)
	}
	return accounts, errors.Join(errs...)
}

// accountName turns a directory URL into the name of a directory.
func accountName(directory string) (string, error) {
	u, err := url.Parse(directory)
	if err != nil || u.Host == "" || strings.HasPrefix(u.Host, ".") {
		return "", fmt.Errorf("%q is not the URL of an ACME directory", directory)
	}
	account := ""
	if u.Fragment != "" {
		account = "#" + u.Fragment
	}
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', r == '-':
			return r
		}
		return '_'
	}, strings.ToLower(u.Host)+strings.TrimRight(u.RequestURI(), "/")+account)
	return shorten(name), nil
}
