package cli

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"certctl/store"
)

// leaf returns a certificate as it is after parsing, unsigned.
func leaf(serial int64, begins, ends time.Time, names ...string) *x509.Certificate {
	return &x509.Certificate{
		Raw: []byte{byte(serial)}, SerialNumber: big.NewInt(serial), NotBefore: begins, NotAfter: ends, DNSNames: names,
		Issuer: pkix.Name{CommonName: "Test CA"},
	}
}

func TestCompare(t *testing.T) {
	now := time.Now()
	day := 24 * time.Hour
	issuer := leaf(99, now, now.Add(day))
	issuer.Subject.CommonName = "Test CA"
	live := &store.Certificate{
		Name: "web", Version: filepath.Join(t.TempDir(), "2a"), Cert: "cert.pem",
		Leaf: leaf(42, now, now.Add(90*day), "example.com", "*.example.com"), Issuers: []*x509.Certificate{issuer},
	}
	ended := *live
	ended.Leaf = leaf(42, now.Add(-2*day), now.Add(-day), "example.com")
	for _, test := range []struct {
		name  string
		live  *store.Certificate
		chain []*x509.Certificate
		sni   string
		want  []string
	}{
		{"as issued", live, []*x509.Certificate{live.Leaf, issuer}, "www.example.com", nil},
		{"with a root", live, []*x509.Certificate{live.Leaf, issuer, leaf(1, now, now)}, "example.com", nil},
		{"no chain", live, []*x509.Certificate{live.Leaf}, "example.com", []string{"the chain is not complete: the certificate of Test CA is missing"}},
		{"older, no longer in the archive", live, []*x509.Certificate{leaf(7, now.Add(-day), now.Add(day), "example.com", "*.example.com")}, "example.com", []string{"shows an older certificate of web, serial 7, until .*: the newest has serial 2a"}},
		{"older and ended", live, []*x509.Certificate{leaf(7, now.Add(-2*day), now.Add(-day), "example.com", "*.example.com")}, "example.com", []string{"shows an older", "what it shows ended on "}},
		{"another", live, []*x509.Certificate{leaf(7, now.Add(-day), now.Add(day), "example.com")}, "example.com", []string{"shows another certificate, serial 7, for example.com, issued by Test CA: web has serial 2a"}},
		{"without names", live, []*x509.Certificate{leaf(7, now, now.Add(day))}, "example.com", []string{"shows another certificate, serial 7, for no name, ", "what it shows is not for example.com"}},
		{"ended", &ended, []*x509.Certificate{ended.Leaf, issuer}, "example.com", []string{"what it shows ended on "}},
	} {
		s := &served{SNI: test.sni, Expected: serial(test.live.Leaf)}
		s.compare(test.chain, test.live)
		got := strings.Join(s.Problems, "\n")
		if len(s.Problems) != len(test.want) || !regexp.MustCompile("^"+strings.Join(test.want, ".*\n")).MatchString(got) {
			t.Errorf("%s: got %q, want like %q", test.name, s.Problems, test.want)
		}
	}
}

func TestNameFor(t *testing.T) {
	live := &store.Certificate{Leaf: leaf(1, time.Time{}, time.Time{}, "*.example.com", "example.com")}
	for _, test := range []struct{ host, sni, want string }{
		{"mail.example.com.", "", "mail.example.com"},
		{"mail.example.com", "www.example.com", "www.example.com"},
		{"192.0.2.1", "", "www.example.com"},
		{"2001:db8::1", "a.example.com", "a.example.com"},
	} {
		if got := (target{host: test.host, sni: test.sni}).nameFor(live); got != test.want {
			t.Errorf("%s, %q: got %s, want %s", test.host, test.sni, got, test.want)
		}
	}
}
