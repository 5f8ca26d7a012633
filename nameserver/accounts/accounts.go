// Package accounts keeps the users that have registered themselves at the
// acme-dns interface: a file for each in one directory, with a digest of his
// password.
package accounts

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"certctl/delegation"
	"certctl/install"
	"certctl/nameserver/access"
	"certctl/nameserver/api"
)

// Most is how many accounts there may be.
const Most = 100_000

// Book is the accounts. It is safe for concurrent use.
type Book struct {
	dir string

	mu    sync.Mutex
	users map[string]*api.User
}

// account is an account on disk.
type account struct {
	Username   string         `json:"username"`
	Password   access.Digest  `json:"password"`
	Name       string         `json:"name"` // where it may put values
	From       []netip.Prefix `json:"from,omitempty"`
	Registered time.Time      `json:"registered"`
}

// Open reads the accounts in a directory, which is made if needed.
func Open(dir string) (*Book, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	b := &Book{dir: dir}
	return b, b.Read()
}

// Read reads the accounts again: somebody may have removed some. If it fails they
// stay as they are.
func (b *Book) Read() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	files, err := filepath.Glob(filepath.Join(b.dir, "*.json"))
	if err != nil {
		return fmt.Errorf("accounts: %w", err)
	}
	users := make(map[string]*api.User)
	for _, file := range files {
		user, err := load(file)
		if err != nil {
			return fmt.Errorf("accounts: %s: %w", file, err)
		}
		users[user.Name] = user
	}
	b.users = users
	return nil
}

func load(file string) (*api.User, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var a account
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, errors.New("it is not as certctl has written it")
	}
	return a.user()
}

// user returns who an account is for.
func (a account) user() (*api.User, error) {
	name, err := delegation.ParseName(a.Name)
	if err != nil {
		return nil, err
	}
	key := access.Key{ID: "account " + a.Username, Names: []delegation.Name{name}, From: a.From}
	return &api.User{Key: key, Name: a.Username, Password: a.Password}, nil
}

// Find implements api.Accounts.
func (b *Book) Find(name string) *api.User {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.users[name]
}

// Register implements api.Accounts.
func (b *Book) Register(zone delegation.Name, from []netip.Prefix) (user *api.User, password, subdomain string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.users) >= Most {
		return nil, "", "", fmt.Errorf("accounts: there are %d already", Most)
	}
	raw := make([]byte, 30)
	rand.Read(raw)
	password, subdomain = base64.URLEncoding.EncodeToString(raw), identifier()
	a := account{
		Username: identifier(), Password: access.NewDigest(password),
		Name: subdomain + "." + zone.Bare(), From: from, Registered: time.Now().UTC().Truncate(time.Second),
	}
	if user, err = a.user(); err != nil {
		return nil, "", "", fmt.Errorf("accounts: %w", err)
	}
	if err := a.save(b.dir); err != nil {
		return nil, "", "", fmt.Errorf("accounts: %w", err)
	}
	b.users[a.Username] = user
	return user, password, subdomain, nil
}

func (a account) save(dir string) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return install.WriteFile(filepath.Join(dir, a.Username+".json"), append(text, '\n'), 0o600)
}

// identifier returns a random UUID (RFC 9562 §5.4), as acme-dns has them.
func identifier() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
