package issuance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"certctl/store"
)

func TestReadKey(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	parameters := "-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n"
	text := parameters + string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1}))
	if got, err := ReadKey([]byte(text)); err != nil || !key.Equal(got) {
		t.Errorf("got %v, want the key", err)
	}
	secret := strings.Split(text, "\n")[4]
	for _, damaged := range []string{"", parameters, strings.Replace(text, secret, secret[4:], 1), secret} {
		if _, err := ReadKey([]byte(damaged)); err == nil || strings.Contains(fmt.Sprint(err), secret[:10]) {
			t.Errorf("%.40q: got %v, want an error without the key", damaged, err)
		}
	}
}

// The key of the live certificate is kept if it is of the right type, and if
// nobody else has it.
func TestReusable(t *testing.T) {
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	key, err := NewKey(ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := reusable(s, &Request{Certificate: "web"}); got != nil || err != nil {
		t.Errorf("without a certificate: got %v, %v, want none", got, err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"example.com"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.SaveCertificate("web", key, [][]byte{der}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		wanted KeyType
		reason string
		reused bool
	}{
		{"", "", true}, {ECDSAP256, "superseded", true}, {RSA2048, "", false}, {"", "keyCompromise", false},
	} {
		if err := s.SaveRequest(&store.Request{Name: "web", Issued: &store.Issued{Reason: test.reason}}); err != nil {
			t.Fatal(err)
		}
		got, err := reusable(s, &Request{Certificate: "web", Key: test.wanted})
		if err != nil || (got != nil) != test.reused {
			t.Errorf("type %q, reason %q: got a key %v, %v, want %v", test.wanted, test.reason, got != nil, err, test.reused)
		}
	}
}

// A certificate that was revoked is not renewed by itself, whatever has changed.
func TestHeldWhenRevoked(t *testing.T) {
	r := &Renewal{Kept: &store.Request{Issued: &store.Issued{Revoked: day}}}
	r.schedule(true)
	if r.Due(day.AddDate(1, 0, 0)) || !strings.Contains(r.Held(day), "revoked on "+day.Local().Format(time.DateOnly)) {
		t.Errorf("got due, or held as %q", r.Held(day))
	}
}
