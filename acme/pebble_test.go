package acme

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
)

// pebble is Let's Encrypt's test CA in this process. It believes every
// challenge at once.
type pebble struct {
	db     *db.MemoryStore
	server *httptest.Server
	config Config
}

type pebbleOptions struct {
	badNonces       int // per cent
	externalAccount bool
	retryAfter      int // seconds
	alternates      int // further chains
}

func startPebble(t testing.TB, o pebbleOptions) *pebble {
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_VA_ALWAYS_VALID", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", fmt.Sprint(o.badNonces))
	silent := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	profiles := map[string]ca.Profile{
		"classic":    {Description: "three months", ValidityPeriod: 90 * 24 * 3600},
		"shortlived": {Description: "six days", ValidityPeriod: 6 * 24 * 3600},
	}
	issuer := ca.New(silent, store, "", "ecdsa", o.alternates, 1, profiles)
	front := wfe.New(silent, store, va.New(silent, 80, 443, true, "", store), issuer, []string{"pebble.test"}, true, o.externalAccount, o.retryAfter, o.retryAfter)
	server := httptest.NewUnstartedServer(front.Handler())
	server.Config.ErrorLog = silent
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return &pebble{db: store, server: server, config: Config{Directory: server.URL + wfe.DirectoryPath, Roots: roots, UserAgent: "certctl/test"}}
}

func (p *pebble) dial(t testing.TB) *CA {
	t.Helper()
	c, err := Dial(t.Context(), p.config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (p *pebble) account(t testing.TB) *Account {
	t.Helper()
	a, err := p.dial(t).Register(t.Context(), Registration{Key: newKey(t), Contact: []string{"mailto:ops@example.com"}, AgreeTerms: true})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newCSR(t testing.TB, key crypto.Signer, names ...string) []byte {
	t.Helper()
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: names}, key)
	if err != nil {
		t.Fatal(err)
	}
	return csr
}

// issue is the whole exchange.
func issue(ctx context.Context, a *Account, r Request, csr []byte, observe func(*Authorization)) ([][]byte, error) {
	o, err := a.NewOrder(ctx, r)
	if err != nil {
		return nil, err
	}
	zs, err := pending(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := o.Validate(ctx, zs, observe); err != nil {
		return nil, err
	}
	return o.Finalize(ctx, csr)
}

func manyNames(n int) []string {
	var names []string
	for i := range n / 2 {
		name := fmt.Sprintf("n%03d.example.com", i)
		names = append(names, name, "*."+name)
	}
	return names
}

func TestIssueFromPebble(t *testing.T) {
	for _, bad := range []int{5, 50} {
		t.Run(fmt.Sprintf("%d%% bad nonces", bad), func(t *testing.T) {
			a := startPebble(t, pebbleOptions{badNonces: bad}).account(t)
			names := manyNames(100)
			key := newKey(t)
			for _, again := range []bool{false, true} { // half of the authorizations are reused
				var seen []string
				observe := func(z *Authorization) {
					if z.Status != Valid {
						t.Errorf("%s: got %s, want valid", z.Name(), z.Status)
					}
					seen = append(seen, z.Name())
				}
				start := time.Now()
				chain, err := issue(t.Context(), a, Request{Names: names, Profile: "shortlived"}, newCSR(t, key, names...), observe)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%d names in %v", len(names), time.Since(start).Round(time.Millisecond))
				if len(chain) < 2 {
					t.Errorf("got %d certificates, want a chain", len(chain))
				}
				if !again && !slices.Equal(seen, names) {
					t.Errorf("observed %q, want every name in order", seen)
				}
				if again && len(seen) == len(names) {
					t.Error("got no authorization reused, want about half")
				}
			}
		})
	}
}

func TestKeys(t *testing.T) {
	p := startPebble(t, pebbleOptions{badNonces: 5})
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsa2048, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"P-256": newKey(t), "P-384": p384, "RSA": rsa2048, "opaque": opaque{newKey(t)}} {
		t.Run(name, func(t *testing.T) {
			a, err := p.dial(t).Register(t.Context(), Registration{Key: key, AgreeTerms: true})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := issue(t.Context(), a, Request{Names: []string{"example.com"}}, newCSR(t, newKey(t), "example.com"), nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// opaque hides what a key is, as one in hardware does.
type opaque struct{ crypto.Signer }

func TestRegister(t *testing.T) {
	p := startPebble(t, pebbleOptions{badNonces: 5})
	c := p.dial(t)
	key := newKey(t)

	_, err := c.Register(t.Context(), Registration{Key: key})
	var terms *TermsError
	if !errors.As(err, &terms) || terms.URL != c.Terms || !strings.Contains(terms.Hint(), "--agree-tos") {
		t.Fatalf("terms not agreed to: got %v, want an error with their URL", err)
	}
	first, err := c.Register(t.Context(), Registration{Key: key, AgreeTerms: true, Contact: []string{"mailto:ops@example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, agree := range []bool{true, false} {
		again, err := c.Register(t.Context(), Registration{Key: key, AgreeTerms: agree})
		if err != nil {
			t.Fatal(err)
		}
		if again.URL != first.URL {
			t.Errorf("same key: got account %s, want %s", again.URL, first.URL)
		}
		if _, err := again.NewOrder(t.Context(), Request{Names: []string{"example.com"}}); err != nil {
			t.Error(err)
		}
	}
}

func TestRegisterExternalAccount(t *testing.T) {
	p := startPebble(t, pebbleOptions{badNonces: 5, externalAccount: true})
	hmac := []byte("0123456789abcdef0123456789abcdef")
	if err := p.db.AddExternalAccountKeyByID("kid-1", base64.RawURLEncoding.EncodeToString(hmac)); err != nil {
		t.Fatal(err)
	}
	c := p.dial(t)
	_, err := c.Register(t.Context(), Registration{Key: newKey(t), AgreeTerms: true})
	var external *ExternalAccountError
	if !errors.As(err, &external) || !strings.Contains(external.Hint(), "acme: eab:") {
		t.Errorf("without binding: got %v, want an error that asks for one", err)
	}
	_, err = c.Register(t.Context(), Registration{Key: newKey(t), AgreeTerms: true, External: &ExternalAccount{"kid-2", hmac}})
	var problem *Problem
	if !errors.As(err, &problem) {
		t.Errorf("unknown key: got %v, want the CA's problem", err)
	}
	binding := &ExternalAccount{"kid-1", hmac}
	if _, err := c.Register(t.Context(), Registration{Key: newKey(t), AgreeTerms: true, External: binding}); err != nil {
		t.Errorf("with binding: %v", err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if shown := fmt.Sprintf(format, binding) + fmt.Sprintf(format, *binding); strings.Contains(shown, "0123") || strings.Contains(shown, "48 49") || strings.Contains(shown, "0x30, 0x31") {
			t.Errorf("%s shows the key: %s", format, shown)
		}
	}
}

func TestFinalizeResumes(t *testing.T) {
	a := startPebble(t, pebbleOptions{badNonces: 5}).account(t)
	names := []string{"example.com", "*.example.com"}
	csr := newCSR(t, newKey(t), names...)
	o, err := a.NewOrder(t.Context(), Request{Names: names})
	if err != nil {
		t.Fatal(err)
	}
	zs, err := pending(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(zs) != 2 || zs[0].Name() != names[0] || zs[1].Name() != names[1] || zs[0].Value == zs[1].Value {
		t.Fatalf("got authorizations %v, want two with values of their own", zs)
	}
	if err := o.Validate(t.Context(), zs, nil); err != nil {
		t.Fatal(err)
	}
	// The program dies after the request was sent.
	if err := o.submit(t.Context(), csr); err != nil {
		t.Fatal(err)
	}
	var first [][]byte
	for range 2 { // the second finds the order valid
		found, err := a.CA.Account(a.URL, a.key).Order(t.Context(), o.URL)
		if err != nil {
			t.Fatal(err)
		}
		if !sameNames(found.Names, names) {
			t.Errorf("got names %q, want %q", found.Names, names)
		}
		chain, err := found.Finalize(t.Context(), csr)
		if err != nil {
			t.Fatal(err)
		}
		if first != nil && !slices.Equal(first[0], chain[0]) {
			t.Error("got two certificates, want one")
		}
		first = chain
	}
}

func TestFinalizeRefusesForeignRequest(t *testing.T) {
	a := startPebble(t, pebbleOptions{}).account(t)
	o, err := a.NewOrder(t.Context(), Request{Names: []string{"example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.Finalize(t.Context(), newCSR(t, newKey(t), "example.com", "www.example.com"))
	want := "certificate request: its names (example.com, www.example.com) are not those of the order (example.com)"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = o.Finalize(t.Context(), newCSR(t, newKey(t), "example.com"))
	if want := "finalize: the order is still pending: not all names are validated"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNewOrderProfile(t *testing.T) {
	a := startPebble(t, pebbleOptions{}).account(t)
	_, err := a.NewOrder(t.Context(), Request{Names: []string{"example.com"}, Profile: "tlsclient"})
	if want := `profile "tlsclient": the CA has classic, shortlived`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNewOrderRefusedName(t *testing.T) {
	p := startPebble(t, pebbleOptions{})
	if err := p.db.AddBlockedDomain("blocked.test"); err != nil {
		t.Fatal(err)
	}
	_, err := p.account(t).NewOrder(t.Context(), Request{Names: []string{"example.com", "www.blocked.test"}})
	var problem *Problem
	if !errors.As(err, &problem) || problem.Type != "rejectedIdentifier" || !strings.Contains(err.Error(), "www.blocked.test") {
		t.Errorf("got %v, want a rejectedIdentifier problem that names it", err)
	}
}

func TestAbandon(t *testing.T) {
	a := startPebble(t, pebbleOptions{badNonces: 5}).account(t)
	o, err := a.NewOrder(t.Context(), Request{Names: []string{"a.example.com", "b.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Abandon(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = pending(t.Context(), o)
	want := "a.example.com: authorization is deactivated\nb.example.com: authorization is deactivated"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Pebble wants three seconds between looks at an order that it works on, which
// the first look need not wait for.
func TestFirstLookIsEarly(t *testing.T) {
	a := startPebble(t, pebbleOptions{retryAfter: 3}).account(t)
	start := time.Now()
	if _, err := issue(t.Context(), a, Request{Names: []string{"example.com"}}, newCSR(t, newKey(t), "example.com"), nil); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("got a certificate after %v, want no wait of 3 s", took)
	}
}

func BenchmarkOrder(b *testing.B) {
	for _, n := range []int{2, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := startPebble(b, pebbleOptions{badNonces: 5})
			names := manyNames(n)
			csr := newCSR(b, newKey(b), names...)
			for b.Loop() {
				b.StopTimer()
				a := p.account(b) // a new one has no authorizations to reuse
				b.StartTimer()
				if _, err := issue(b.Context(), a, Request{Names: names}, csr, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
