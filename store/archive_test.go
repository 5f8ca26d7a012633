package store

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// issuedAt is issued with a time.
func issuedAt(t *testing.T, key crypto.Signer, serial int64, at time.Time) [][]byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"example.com"}, NotBefore: at}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	return [][]byte{der, der}
}

func TestPrune(t *testing.T) {
	s, key, now := open(t, t.TempDir()), newKey(t), time.Now()
	for serial, age := range map[int64]int{1: 5, 2: 4, 3: 3, 4: 2, 5: 1} {
		_, err := s.SaveCertificate("web", key, issuedAt(t, key, serial, now.Add(-time.Duration(age)*time.Hour)))
		must(t, err)
	}
	foreign := s.path("archive", "web", "notes")
	must(t, os.Mkdir(foreign, 0o700))
	must(t, s.Prune("web", 9))
	if got, err := s.Versions("web"); err != nil || !slices.Equal(got, []string{"5", "4", "3", "2", "1"}) {
		t.Errorf("got %q, %v, want all, the newest first", got, err)
	}
	must(t, s.disk.link(filepath.Join("..", "archive", "web", "1"), s.path("live", "web")))
	must(t, s.Prune("web", 2))
	if got, err := s.Versions("web"); err != nil || !slices.Equal(got, []string{"5", "4", "1"}) {
		t.Errorf("got %q, %v, want the two newest, and the live one", got, err)
	}
	_, err := s.LoadCertificate("web")
	must(t, err)
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("what is not ours is gone: %v", err)
	}
}

func TestCrashInPrune(t *testing.T) {
	key, now := newKey(t), time.Now()
	before := func(s *Store) error {
		for serial := range int64(4) {
			if _, err := s.SaveCertificate("web", key, issuedAt(t, key, serial+1, now.Add(time.Duration(serial)*time.Hour))); err != nil {
				return err
			}
		}
		return nil
	}
	crashes(t, before, func(s *Store) error { return s.Prune("web", 1) }, func(s *Store, done bool) {
		c, err := s.LoadCertificate("web")
		must(t, err)
		if c.Leaf.SerialNumber.Int64() != 4 {
			t.Errorf("got number %s, want the newest", c.Leaf.SerialNumber)
		}
		if all, err := s.Versions("web"); err != nil || done && len(all) != 1 {
			t.Errorf("got %q, %v", all, err)
		}
	})
}

func TestCrashInDeleteCertificate(t *testing.T) {
	key := newKey(t)
	chain := issued(t, key, 1)
	before := func(s *Store) error {
		_, err := s.SaveCertificate("web", key, chain)
		return errors.Join(err, s.SaveRequest(&Request{Name: "web"}), s.SaveOrder("web", &Order{Key: key}))
	}
	remove := func(s *Store) error {
		if err := s.DeleteCertificate("web"); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	crashes(t, before, remove, func(s *Store, done bool) {
		_, requested := s.LoadRequest("web")
		_, live := s.LoadCertificate("web")
		if live != nil && requested == nil {
			t.Errorf("got %v while it is still asked for", live)
		}
		if !done {
			return
		}
		must(t, filepath.WalkDir(s.Dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				t.Errorf("%s is left", path)
			}
			return err
		}))
	})
	if err := open(t, t.TempDir()).DeleteCertificate("web"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that there is none", err)
	}
}

// Where a certificate request was brought along, there is no key to keep.
func TestCertificateWithoutKey(t *testing.T) {
	s, chain := open(t, t.TempDir()), issued(t, newKey(t), 1)
	must(t, s.SaveOrder("web", &Order{URL: "u", CSR: []byte("request")}))
	if o, err := s.LoadOrder("web"); err != nil || o.Key != nil || string(o.CSR) != "request" {
		t.Errorf("got %+v, %v, want an order without a key", o, err)
	}
	for range 2 {
		c, err := s.SaveCertificate("web", nil, chain)
		must(t, err)
		if c.Key != nil || c.PrivateKey != "" {
			t.Errorf("got %+v, want no key", c)
		}
	}
	if entries, err := os.ReadDir(s.path("live", "web")); err != nil || len(entries) != 3 {
		t.Errorf("got %v, %v, want three files", entries, err)
	}
}
