package store

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issued returns a chain of a self-signed certificate and a copy of it.
func issued(t *testing.T, key crypto.Signer, serial int64) [][]byte {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"example.com"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{der, der}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const directory = "https://ca.example:14000/acme/dir"

func TestAccount(t *testing.T) {
	s := open(t, t.TempDir())
	if _, err := s.LoadAccount(directory); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want %v", err, fs.ErrNotExist)
	}
	want := &Account{Directory: directory, Key: newKey(t)}
	for _, url := range []string{"", "https://ca.example:14000/acct/1"} {
		want.URL = url
		must(t, s.SaveAccount(want))
		if got, err := s.LoadAccount(directory); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	for _, file := range []string{"account.json", "key.pem"} {
		if _, err := os.Stat(s.path("accounts", "ca.example_14000_acme_dir", file)); err != nil {
			t.Error(err)
		}
	}
}

// TestAccountsApart checks that no CA is given another's account.
func TestAccountsApart(t *testing.T) {
	s := open(t, t.TempDir())
	must(t, s.SaveAccount(&Account{Directory: "https://ca.example/a/b", Key: newKey(t)}))
	if a, err := s.LoadAccount("https://ca.example/a_b"); err == nil || !strings.Contains(err.Error(), "account.json") {
		t.Errorf("got %v, %v, want an error that names the file", a, err)
	}
	for _, bad := range []string{"", "letsencrypt", "https://", "https://../x", "https:///x", "::"} {
		if err := s.SaveAccount(&Account{Directory: bad, Key: newKey(t)}); err == nil {
			t.Errorf("%q: got no error", bad)
		}
	}
}

func TestKeysOfEveryType(t *testing.T) {
	s := open(t, t.TempDir())
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	must(t, err)
	for _, key := range []crypto.Signer{rsaKey, p384, newKey(t)} {
		must(t, s.SaveOrder("web", &Order{URL: "https://ca.example/order/1", Key: key}))
		got, err := s.LoadOrder("web")
		must(t, err)
		if same, ok := got.Key.(interface{ Equal(crypto.PrivateKey) bool }); !ok || !same.Equal(key) {
			t.Errorf("%T: got another key", key)
		}
	}
}

func TestOrder(t *testing.T) {
	s := open(t, t.TempDir())
	if _, err := s.LoadOrder("web"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want %v", err, fs.ErrNotExist)
	}
	must(t, s.ClearOrder("web"))
	want := &Order{
		URL: "https://ca.example/order/1", Directory: directory, Account: "https://ca.example/acct/1",
		Names: []string{"example.com", "*.example.com"}, Profile: "shortlived",
		Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Key: newKey(t),
	}
	must(t, s.SaveOrder("web", want))
	if got, err := s.LoadOrder("web"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	must(t, s.ClearOrder("web"))
	if _, err := s.LoadOrder("web"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want %v", err, fs.ErrNotExist)
	}
}

func TestRequests(t *testing.T) {
	s := open(t, t.TempDir())
	if got, err := s.Requests(); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v, want none", got, err)
	}
	web := &Request{
		Version: version, Name: "web", Names: []string{"example.com"}, KeyType: "ecdsa-p256", Profile: "tlsserver",
		Directory: directory, Account: "https://ca.example/acct/1", Deploy: []string{"true"},
		Follow: map[string]string{"example.com": "never"}, Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	mail := &Request{Version: version, Name: "mail", Names: []string{"mail.example.com"}}
	must(t, s.SaveRequest(web))
	must(t, s.SaveRequest(mail))
	if got, err := s.Requests(); err != nil || !reflect.DeepEqual(got, []*Request{mail, web}) {
		t.Errorf("got %v, %v, want mail and web", got, err)
	}
}

func TestDamagedFilesAreNamed(t *testing.T) {
	s := open(t, t.TempDir())
	must(t, s.SaveRequest(&Request{Name: "good"}))
	for text, want := range map[string]string{
		`{"version": 1, "names": "x"}`: "names",
		`{"version": 1`:                "unexpected end",
		`{"version": 2}`:               "version 2",
		``:                             "unexpected end",
	} {
		path := s.requestPath("bad")
		must(t, os.WriteFile(path, []byte(text), 0o600))
		got, err := s.Requests()
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %s and %q", text, err, path, want)
		}
		if len(got) != 1 || got[0].Name != "good" {
			t.Errorf("%s: got %v, want the good one nevertheless", text, got)
		}
	}
}

func TestCertificate(t *testing.T) {
	s := open(t, t.TempDir())
	if _, err := s.LoadCertificate("web"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want %v", err, fs.ErrNotExist)
	}
	key := newKey(t)
	chain := issued(t, key, 0xabc)
	for range 2 { // the second time changes nothing
		c, err := s.SaveCertificate("web", key, chain)
		must(t, err)
		if c.Leaf.SerialNumber.Int64() != 0xabc || len(c.Issuers) != 1 || !reflect.DeepEqual(c.Key, key) {
			t.Errorf("got %+v, want the certificate saved", c)
		}
	}
	if runtime.GOOS != "windows" {
		want := filepath.Join("..", "archive", "web", "abc")
		if got, err := os.Readlink(s.path("live", "web")); err != nil || got != want {
			t.Errorf("got a link to %q, %v, want %q", got, err, want)
		}
	}
	full, _ := os.ReadFile(s.path("live", "web", "fullchain.pem"))
	cert, _ := os.ReadFile(s.path("live", "web", "cert.pem"))
	rest, _ := os.ReadFile(s.path("live", "web", "chain.pem"))
	if string(full) != string(cert)+string(rest) || len(cert) == 0 || len(rest) == 0 {
		t.Errorf("fullchain.pem is not cert.pem and chain.pem")
	}
	must(t, os.WriteFile(s.path("live", "README"), nil, 0o600))
	if all, err := s.Certificates(); err != nil || len(all) != 1 || all[0].Name != "web" {
		t.Errorf("got %v, %v, want web alone", all, err)
	}
}

// Two CAs may give the same serial number: both certificates are kept, and the
// newest is the live one. Saving it once more makes no third.
func TestCertificatesOfOneSerial(t *testing.T) {
	s := open(t, t.TempDir())
	key, other := newKey(t), newKey(t)
	second := issued(t, other, 1)
	for _, save := range []struct {
		key   crypto.Signer
		chain [][]byte
		want  string
	}{{key, issued(t, key, 1), "1"}, {other, second, "1-2"}, {other, second, "1-2"}} {
		if _, err := s.SaveCertificate("web", save.key, save.chain); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.Readlink(s.path("live", "web")); filepath.Base(got) != save.want {
			t.Errorf("got the live version %s, want %s", got, save.want)
		}
	}
	if got, err := s.Versions("web"); err != nil || len(got) != 2 {
		t.Errorf("got the versions %q, %v, want both", got, err)
	}
}

func TestCertificateRefused(t *testing.T) {
	s := open(t, t.TempDir())
	key, other := newKey(t), newKey(t)
	if _, err := s.SaveCertificate("web", other, issued(t, key, 1)); err == nil {
		t.Error("got no error for the wrong key")
	}
	if _, err := s.SaveCertificate("web", key, nil); err == nil {
		t.Error("got no error for an empty chain")
	}
	if _, err := s.SaveCertificate("web", key, issued(t, key, 1)); err != nil {
		t.Error(err)
	}
	text, err := encodeKey(other)
	must(t, err)
	must(t, os.WriteFile(s.path("archive", "web", "1", "privkey.pem"), text, 0o600))
	if _, err := s.LoadCertificate("web"); err == nil || !strings.Contains(err.Error(), "privkey.pem") {
		t.Errorf("got %v, want an error that names privkey.pem", err)
	}
}

func TestNames(t *testing.T) {
	for domain, want := range map[string]string{
		"example.com": "example.com", "*.Example.COM": "example.com", "example.com.": "example.com",
		"192.0.2.1": "192.0.2.1", "2001:db8::1": "2001-db8--1", "::1": "0--1", "2001:db8::": "2001-db8--",
	} {
		if got := Name(domain); got != want || CheckName(got) != nil {
			t.Errorf("%s: got %q, want %q", domain, got, want)
		}
	}
	long := strings.Repeat("a.", 125) + "com"
	if got := Name(long); CheckName(got) != nil || got == Name("b."+long[2:]) || len(got) > maxName {
		t.Errorf("got %q for a domain of %d octets", got, len(long))
	}
	for _, bad := range []string{"", ".", "..", "../x", "a/b", `a\b`, "a\x00", "-x", ".x", "x.", "A", "é", "a b", strings.Repeat("a", 231)} {
		s := &Store{Dir: t.TempDir()}
		_, certErr := s.LoadCertificate(bad)
		_, orderErr := s.LoadOrder(bad)
		_, requestErr := s.LoadRequest(bad)
		_, saveErr := s.SaveCertificate(bad, newKey(t), nil)
		for _, err := range []error{
			certErr, orderErr, requestErr, saveErr, s.ClearOrder(bad),
			s.SaveOrder(bad, &Order{Key: newKey(t)}), s.SaveRequest(&Request{Name: bad}),
		} {
			if err == nil || !strings.Contains(err.Error(), "certificate name") {
				t.Errorf("%q: got %v, want it refused as a name", bad, err)
			}
		}
	}
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing on Windows")
	}
	root := filepath.Join(t.TempDir(), "a", "state")
	s := open(t, root)
	key := newKey(t)
	must(t, s.SaveAccount(&Account{Directory: directory, Key: key}))
	must(t, s.SaveRequest(&Request{Name: "web"}))
	must(t, s.SaveOrder("web", &Order{Key: key}))
	must(t, s.Journal().Add(Entry{Owner: "x."}))
	_, err := s.SaveCertificate("web", key, issued(t, key, 1))
	must(t, err)
	unlock, err := s.Lock(t.Context(), false, nil)
	must(t, err)
	unlock()
	public := map[string]bool{"cert.pem": true, "chain.pem": true, "fullchain.pem": true}
	must(t, filepath.WalkDir(filepath.Dir(root), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Type() == fs.ModeSymlink {
			return err
		}
		want := modeSecret
		switch {
		case e.IsDir():
			want = modeDir
		case public[e.Name()]:
			want = modePublic
		}
		info, err := e.Info()
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: got mode %o, want %o", path, got, want)
		}
		return err
	}))
}

// On a disk that is full, what there was stays.
func TestFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no full disk here")
	}
	s := open(t, t.TempDir())
	must(t, s.SaveRun(Run{Began: time.Unix(1, 0).UTC()}))
	must(t, os.Symlink("/dev/full", s.path(".run.json")))
	if err := s.SaveRun(Run{Began: time.Unix(2, 0).UTC()}); err == nil {
		t.Error("got no error, want that there is no space")
	}
	if r, err := s.LoadRun(); err != nil || r.Began.Unix() != 1 {
		t.Errorf("got %v, %v, want the run before", r, err)
	}
}
