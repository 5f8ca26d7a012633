package issuance_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"certctl/acme"
	"certctl/issuance"
	"certctl/store"
)

// BenchmarkNothingDue looks through 10,000 certificates of which none is due.
func BenchmarkNothingDue(b *testing.B) {
	s, err := store.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	keep(b, s, 10_000)
	for b.Loop() {
		k := &issuance.Keeper{Store: s, Warn: func(_, text string) { b.Error(text) }}
		k.Dial = func(context.Context, string) (*acme.CA, error) {
			b.Error("the CA is asked")
			return nil, acme.ErrNoRenewalInfo
		}
		rs, err := k.Wanted(nil)
		if err := errors.Join(err, k.Plan(b.Context(), rs)); err != nil {
			b.Fatal(err)
		}
		for _, r := range rs {
			if r.Due(time.Now()) {
				b.Fatalf("%s is due: %s", r.Certificate, r.Why)
			}
		}
	}
}

// keep fills a store with requests for certificates that are good for a while.
// It writes the files itself: the store would wait for the disk each time.
func keep(b *testing.B, s *store.Store, n int) {
	now := time.Now()
	r := &store.Request{
		Name: "c", Names: []string{"example.com", "www.example.com"}, KeyType: "ecdsa-p256", Directory: "https://ca.example/",
		Issued: &store.Issued{Serial: "1", NotBefore: now, NotAfter: now.AddDate(0, 0, 90)},
		Window: &store.Window{AskAgain: now.Add(time.Hour)},
	}
	if err := s.SaveRequest(r); err != nil {
		b.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(s.Dir, "certificates", "c.json"))
	if err != nil {
		b.Fatal(err)
	}
	write := func(text []byte, path ...string) {
		file := filepath.Join(append([]string{s.Dir}, path...)...)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, text, 0o600)); err != nil {
			b.Fatal(err)
		}
	}
	write(nil, "live", "c", "cert.pem")
	for k := range n - 1 {
		name := fmt.Sprintf("c%05d", k)
		write(text, "certificates", name+".json")
		write(nil, "live", name, "cert.pem")
	}
}
