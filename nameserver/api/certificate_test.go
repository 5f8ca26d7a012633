package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"certctl/nameserver/api"
)

// write writes a certificate with a serial number, and its key.
func write(t *testing.T, c *api.Certificate, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{c.Chain: {Type: "CERTIFICATE", Bytes: der}, c.Key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Unix(serial*1000, 0)); err != nil {
			t.Fatal(err)
		}
	}
}

// A renewal is seen without a restart, and a broken file changes nothing.
func TestCertificate(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var said []string
		c := &api.Certificate{
			Chain: filepath.Join(dir, "fullchain.pem"), Key: filepath.Join(dir, "privkey.pem"),
			Changed: func(text string) { said = append(said, text) },
		}
		for range 3 {
			if c.Ready() == nil {
				t.Error("before there is one: got no error")
			}
			time.Sleep(time.Second)
		}
		serves := func(want int64) {
			t.Helper()
			got, err := c.Get(nil)
			if err != nil || got.Leaf.SerialNumber.Int64() != want {
				t.Fatalf("got %v, %v, want certificate %d", got, err, want)
			}
		}
		write(t, c, 1)
		time.Sleep(time.Second)
		serves(1)
		write(t, c, 2)
		serves(1) // within a second nobody looks
		time.Sleep(time.Second)
		serves(2)
		if err := os.WriteFile(c.Chain, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		serves(2)
		write(t, c, 3)
		time.Sleep(time.Second)
		serves(3)
		if len(said) != 5 {
			t.Errorf("got %q, want to be told once of each change", said)
		}
	})
}
