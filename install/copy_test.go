//go:build unix

package install_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"certctl/install"
	"certctl/secret"
	"certctl/store"
)

const password = "correct horse"

// live returns a certificate with an issuer, as a store has it.
func live(t *testing.T) *store.Certificate {
	t.Helper()
	keys := make([]*ecdsa.PrivateKey, 2)
	chain := make([][]byte, 2)
	templates := []*x509.Certificate{
		{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, IsCA: true, BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour)},
		{SerialNumber: big.NewInt(2), DNSNames: []string{"example.com"}, NotAfter: time.Now().Add(time.Hour)},
	}
	for n, template := range templates {
		var err error
		if keys[n], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
		if chain[n], err = x509.CreateCertificate(rand.Reader, template, templates[0], keys[n].Public(), keys[0]); err != nil {
			t.Fatal(err)
		}
	}
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.SaveCertificate("web", keys[1], [][]byte{chain[1], chain[0]})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// makes makes a copy and returns what is in it.
func makes(t *testing.T, c install.Copy, from *store.Certificate) []byte {
	t.Helper()
	if err := c.Make(t.Context(), from); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(c.Path)
	if err != nil || info.Mode() != c.Mode {
		t.Errorf("%s: got mode %v, %v, want %v", c.What, info.Mode(), err, c.Mode)
	}
	return content
}

func TestFormats(t *testing.T) {
	from, dir := live(t), t.TempDir()
	read := func(path string) []byte {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	private, err := x509.MarshalPKCS8PrivateKey(from.Key)
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[install.What][]byte{
		install.PrivKey:   read(from.PrivateKey),
		install.Cert:      read(from.Cert),
		install.Chain:     read(from.Chain),
		install.FullChain: read(from.FullChain),
		install.Combined:  append(read(from.PrivateKey), read(from.FullChain)...),
		install.PKCS8:     private,
		install.DER:       from.Leaf.Raw,
	} {
		c := install.Copy{What: what, Path: filepath.Join(dir, string(what)), Mode: 0o640}
		if got := makes(t, c, from); !bytes.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
}

func TestPKCS12(t *testing.T) {
	from := live(t)
	c := install.Copy{What: install.PKCS12, Path: filepath.Join(t.TempDir(), "web.p12"), Mode: 0o600, Password: secret.Plain(password)}
	first := makes(t, c, from)
	key, leaf, issuers, err := pkcs12.DecodeChain(first, password)
	if err != nil || !from.Key.(*ecdsa.PrivateKey).Equal(key.(*ecdsa.PrivateKey)) || !leaf.Equal(from.Leaf) || len(issuers) != 1 || !issuers[0].Equal(from.Issuers[0]) {
		t.Fatalf("got %v, %v, %v", leaf, issuers, err)
	}
	if again := makes(t, c, from); !bytes.Equal(again, first) {
		t.Error("it was written again, though nothing has changed")
	}
	c.Legacy = true
	legacy := makes(t, c, from)
	if bytes.Equal(legacy, first) {
		t.Error("it was not written for old readers")
	}
	if again := makes(t, c, from); !bytes.Equal(again, legacy) {
		t.Error("it was written again for old readers, though nothing has changed")
	}
	c.Password = secret.Plain("another")
	if _, _, _, err := pkcs12.DecodeChain(makes(t, c, from), "another"); err != nil {
		t.Errorf("another password: %v", err)
	}
	if other := live(t); bytes.Equal(makes(t, c, other), makes(t, c, from)) {
		t.Error("another certificate was not written")
	}
}

// OpenSSL reads both kinds.
func TestPKCS12WithOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("there is no openssl")
	}
	from := live(t)
	for _, legacy := range []bool{false, true} {
		c := install.Copy{What: install.PKCS12, Path: filepath.Join(t.TempDir(), "web.p12"), Mode: 0o600, Password: secret.Plain(password), Legacy: legacy}
		makes(t, c, from)
		args := []string{"pkcs12", "-in", c.Path, "-nodes", "-passin", "pass:" + password}
		if legacy {
			args = append(args, "-legacy")
		}
		out, err := exec.Command(openssl, args...).CombinedOutput()
		if err != nil || strings.Count(string(out), "BEGIN CERTIFICATE") != 2 || !strings.Contains(string(out), "BEGIN PRIVATE KEY") {
			t.Errorf("legacy %t: got %v:\n%s", legacy, err, out)
		}
	}
}

// A reader never sees half a file, and what is as it should be is not touched.
func TestReplaced(t *testing.T) {
	from := live(t)
	c := install.Copy{What: install.Cert, Path: filepath.Join(t.TempDir(), "cert.pem"), Mode: 0o644}
	number := func() uint64 {
		makes(t, c, from)
		info, err := os.Stat(c.Path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Sys().(*syscall.Stat_t).Ino
	}
	reader, err := os.Create(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	first := number()
	if info, err := reader.Stat(); err != nil || info.Size() != 0 {
		t.Error("the old file was written to, not replaced")
	}
	if again := number(); again != first {
		t.Error("it was replaced, though nothing has changed")
	}
	if err := os.Chmod(c.Path, 0o666); err != nil {
		t.Fatal(err)
	}
	if again := number(); again == first {
		t.Error("a wrong mode was left alone")
	}
	if entries, err := os.ReadDir(filepath.Dir(c.Path)); err != nil || len(entries) != 1 {
		t.Errorf("got %v, %v, want one file", entries, err)
	}
}

// A link in the way is replaced, not followed; and nobody waits for a pipe.
func TestInTheWay(t *testing.T) {
	from, dir := live(t), t.TempDir()
	elsewhere := filepath.Join(dir, "elsewhere")
	if err := os.WriteFile(elsewhere, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := install.Copy{What: install.PrivKey, Path: filepath.Join(dir, "key.pem"), Mode: 0o600}
	if err := os.Symlink(elsewhere, c.Path); err != nil {
		t.Fatal(err)
	}
	makes(t, c, from)
	if text, err := os.ReadFile(elsewhere); err != nil || string(text) != "precious" {
		t.Errorf("got %q, %v behind the link", text, err)
	}
	c.Path = filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(c.Path, 0o600); err != nil {
		t.Fatal(err)
	}
	makes(t, c, from)
}

func TestErrors(t *testing.T) {
	from, dir := live(t), t.TempDir()
	for _, test := range []struct {
		c    install.Copy
		want string
	}{
		{install.Copy{What: install.Cert, Path: filepath.Join(dir, "no/cert.pem"), Mode: 0o644}, "cert: there is no directory " + dir + "/no"},
		{install.Copy{What: install.Cert, Path: filepath.Join(dir, "a"), Mode: 0o644, Owner: "nobody-of-this-name"}, "cert: " + dir + "/a: there is no user nobody-of-this-name"},
		{install.Copy{What: install.Cert, Path: filepath.Join(dir, "a"), Mode: 0o644, Group: "-1"}, "cert: " + dir + "/a: there is no group -1"},
		{install.Copy{What: install.PKCS12, Path: filepath.Join(dir, "a"), Mode: 0o600}, "pkcs12: secret : none is configured"},
		{install.Copy{What: "nonsense", Path: filepath.Join(dir, "a"), Mode: 0o600}, "nonsense: there is no such format"},
		{install.Copy{What: install.Cert, Path: dir, Mode: 0o644}, "cert: rename "},
	} {
		if err := test.c.Make(t.Context(), from); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("got %v, want %q", err, test.want)
		}
	}
	from.Key = nil
	c := install.Copy{What: install.Combined, Path: filepath.Join(dir, "a"), Mode: 0o600}
	if err := c.Make(t.Context(), from); err == nil || !strings.Contains(err.Error(), "the private key is not here") {
		t.Errorf("without a key: got %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("got %v, %v, want nothing left behind", entries, err)
	}
}

// The owner is set: to ourselves by anybody, to others by root only.
func TestOwner(t *testing.T) {
	from := live(t)
	c := install.Copy{What: install.PrivKey, Path: filepath.Join(t.TempDir(), "key.pem"), Mode: 0o640, Owner: "12345", Group: "54321"}
	err := c.Make(t.Context(), from)
	if os.Geteuid() != 0 {
		if err == nil || !strings.Contains(err.Error(), "it cannot be given to 12345:54321: only root may") {
			t.Errorf("got %v", err)
		}
		if _, err := os.Stat(c.Path); !errors.Is(err, fs.ErrNotExist) {
			t.Error("there is a copy that belongs to somebody else than it should")
		}
		return
	}
	info, statErr := os.Stat(c.Path)
	if err != nil || statErr != nil {
		t.Fatal(err, statErr)
	}
	if s := info.Sys().(*syscall.Stat_t); s.Uid != 12345 || s.Gid != 54321 || info.Mode() != 0o640 {
		t.Errorf("got %d:%d, mode %v", s.Uid, s.Gid, info.Mode())
	}
}
