package lego

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-acme/lego/v4/certcrypto"
	"github.com/go-acme/lego/v4/certificate"
	"github.com/go-acme/lego/v4/challenge/dns01"
	"github.com/go-acme/lego/v4/lego"
	"github.com/go-acme/lego/v4/providers/dns/acmedns"
	"github.com/miekg/dns"
)

const domain = "lego.example.com"

// A user of lego as users are: the account is registered with the first try, the
// alias is added to the zone, and from then on all goes by itself.
func TestACMEDNS(t *testing.T) {
	w := begin(t)
	storage := filepath.Join(t.TempDir(), "accounts.json")

	err := w.provider(t, "not-the-token", storage).Present(domain, "", "key authorization")
	if err == nil || !strings.Contains(err.Error(), "401") {
		t.Fatalf("with a wrong token: got %v, want an error with 401", err)
	}
	var missing acmedns.ErrCNAMERequired
	p := w.provider(t, token, storage)
	if err := p.Present(domain, "", "key authorization"); !errors.As(err, &missing) {
		t.Fatalf("without an account: got %v, want the alias to add", err)
	}
	w.main.Add(fmt.Sprintf("%s CNAME %s.", missing.FQDN, missing.Target))

	// From now on the token is not needed.
	p = w.provider(t, "not-the-token", storage)
	var want []string
	for _, authorization := range []string{"of the name", "of the wildcard"} {
		if err := p.Present(domain, "", authorization); err != nil {
			t.Fatal(err)
		}
		_, value := dns01.GetRecord(domain, authorization)
		want = append(want, value)
	}
	served := w.values(t, missing.Target)
	slices.Sort(want)
	if !slices.Equal(served, want) {
		t.Errorf("at %s: got %q, want %q", missing.Target, served, want)
	}
	issue(t, w.client(t, p))
}

// issue has lego get a certificate for a name and its wildcard.
func issue(t *testing.T, client *lego.Client) {
	t.Helper()
	names := []string{domain, "*." + domain}
	got, err := client.Certificate.Obtain(certificate.ObtainRequest{Domains: names, Bundle: true})
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := certcrypto.ParsePEMCertificate(got.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(leaf.DNSNames)
	slices.Sort(names)
	if !slices.Equal(leaf.DNSNames, names) {
		t.Errorf("got a certificate for %q, want %q", leaf.DNSNames, names)
	}
}

// values returns the TXT records that the name server has at a name, sorted.
func (w *world) values(t *testing.T, name string) []string {
	t.Helper()
	answer, err := dns.Exchange(new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeTXT), w.nameserver)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, rr := range answer.Answer {
		values = append(values, rr.(*dns.TXT).Txt...)
	}
	slices.Sort(values)
	return values
}
