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
	Key       crypto.Signer // of the account
}

type accountFile struct {
	Version   int      `json:"version"`
	Directory string   `json:"directory"`
	URL       string   `json:"url,omitempty"`
	Contact   []string `json:"contact,omitempty"`
}

// LoadAccount returns the account at the CA with this directory URL. Without
// one the error is fs.ErrNotExist.
func (s *Store) LoadAccount(directory string) (*Account, error) {
	name, err := accountName(directory)
	if err != nil {
		return nil, err
	}
	keyPath := s.path("accounts", name, "key.pem")
	text, err := os.ReadFile(keyPath)
	if err != nil {
		return nil, err
	}
	key, err := decodeKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyPath, err)
	}
	path := s.path("accounts", name, "account.json")
	file := accountFile{Directory: directory}
	if err := loadJSON(path, &file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if file.Directory != directory {
		return nil, fmt.Errorf("%s: it is for %s, not for %s", path, file.Directory, directory)
	}
	return &Account{Directory: directory, URL: file.URL, Contact: file.Contact, Key: key}, nil
}

// SaveAccount keeps an account, in the place of an older one at this CA. The
// key is kept first and an older account.json removed before it, so that no
// crash leaves the URL of one account beside the key of another.
func (s *Store) SaveAccount(a *Account) error {
	name, err := accountName(a.Directory)
	if err != nil {
		return err
	}
	key, err := encodeKey(a.Key)
	if err != nil {
		return err
	}
	path, keyPath := s.path("accounts", name, "account.json"), s.path("accounts", name, "key.pem")
	if old, err := os.ReadFile(keyPath); err != nil || string(old) != string(key) {
		if err := s.disk.remove(path); err != nil {
			return err
		}
		if err := s.disk.write(keyPath, key, modeSecret); err != nil {
			return err
		}
	}
	return s.saveJSON(path, accountFile{version, a.Directory, a.URL, a.Contact})
}

// accountName turns a directory URL into the name of a directory.
func accountName(directory string) (string, error) {
	u, err := url.Parse(directory)
	if err != nil || u.Host == "" || strings.HasPrefix(u.Host, ".") {
		return "", fmt.Errorf("%q is not the URL of an ACME directory", directory)
	}
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', r == '-':
			return r
		}
		return '_'
	}, strings.ToLower(u.Host)+strings.TrimRight(u.RequestURI(), "/"))
	return shorten(name), nil
}
