package issuance_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"certctl/acme"
	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/rfc2136"
	"certctl/issuance"
	"certctl/lab"
	"certctl/secret"
	"certctl/store"
)

// BenchmarkIssue measures a whole issue and, in the same run, the floor: the
// same exchange with a CA that accepts every challenge without looking, and no
// DNS. It reports the medians of both in seconds, and their ratio.
func BenchmarkIssue(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("names=%d", n), func(b *testing.B) {
			names, extend := lab.Many(n)
			world := startLab(b, lab.Options{Extend: extend, CA: lab.CA{AuthzReuse: -1}})
			issuer := newIssuer(b, world)
			blind := newIssuer(b, startLab(b, lab.Options{CA: lab.CA{AuthzReuse: -1, AlwaysValid: true}}))
			var whole, floor []time.Duration
			for b.Loop() {
				connect(b, world, issuer) // as a new run does: nothing is known of the DNS
				whole = append(whole, clock(func() { issue(b, issuer, names) }))
				floor = append(floor, clock(func() { exchange(b, blind.Account, names) }))
			}
			w, f := median(whole).Seconds(), median(floor).Seconds()
			b.ReportMetric(w, "s/issue")
			b.ReportMetric(f, "s/floor")
			b.ReportMetric(w/f, "issue/floor")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func issue(b *testing.B, i *issuance.Issuer, names []string) {
	for _, r := range i.Issue(b.Context(), []issuance.Request{{Certificate: "bench", Names: names}}) {
		if r.Err != nil {
			b.Fatal(r.Err)
		}
	}
}

// exchange is what the CA alone takes.
func exchange(b *testing.B, a *acme.Account, names []string) {
	check := func(err error) {
		if err != nil {
			b.Helper()
			b.Fatal(err)
		}
	}
	order, err := a.NewOrder(b.Context(), acme.Request{Names: names})
	check(err)
	pending, err := order.Pending(b.Context())
	check(err)
	for _, authz := range pending {
		check(authz.Choose(issuance.DefaultChallenges))
	}
	check(order.Validate(b.Context(), pending, nil))
	key, err := issuance.NewKey(issuance.ECDSAP256)
	check(err)
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: names}, key)
	check(err)
	_, err = order.Finalize(b.Context(), csr)
	check(err)
}

func clock(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

func median(ds []time.Duration) time.Duration {
	slices.Sort(ds)
	return ds[len(ds)/2]
}

func startLab(tb testing.TB, o lab.Options) *lab.Lab {
	tb.Helper()
	o.Dir = tb.TempDir()
	l, err := lab.Start(context.Background(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = l.Close() })
	return l
}

// newIssuer returns an issuer with an account and all credentials of a lab.
func newIssuer(tb testing.TB, l *lab.Lab) *issuance.Issuer {
	tb.Helper()
	ca, err := acme.Dial(tb.Context(), acme.Config{Directory: l.Directory, Roots: roots(tb, l.CAFile)})
	if err != nil {
		tb.Fatal(err)
	}
	s, err := store.Open(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	account, err := issuance.OpenAccount(tb.Context(), ca, s, acme.Registration{AgreeTerms: true})
	if err != nil {
		tb.Fatal(err)
	}
	i := &issuance.Issuer{Account: account, Store: s, Client: &delegation.Client{}}
	connect(tb, l, i)
	return i
}

// connect gives the issuer a new resolver, and credentials that use it.
func connect(tb testing.TB, l *lab.Lab, i *issuance.Issuer) {
	tb.Helper()
	i.Resolver = delegation.NewResolver(delegation.Options{
		Recursive: []netip.AddrPort{l.Resolver}, Port: l.Resolver.Port(), Client: i.Client,
	})
	i.Credentials = credentials(tb, l, i)
}

func credentials(tb testing.TB, l *lab.Lab, i *issuance.Issuer) dns01.Credentials {
	tb.Helper()
	env := dns01.Environment{Client: i.Client, Primary: i.Resolver.Primary}
	var cs dns01.Credentials
	for _, z := range l.Zones {
		scope := delegation.Name(z.Apex())
		tsig := rfc2136.TSIG{Name: z.Key.Name, Algorithm: z.Key.Algorithm, Secret: secret.Plain(z.Key.Secret)}
		p, err := rfc2136.New(rfc2136.Config{TSIG: tsig}, scope, env)
		if err != nil {
			tb.Fatal(err)
		}
		cs = append(cs, dns01.NewCredential("", scope, p))
	}
	return cs
}

func roots(tb testing.TB, path string) *x509.CertPool {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	block, _ := pem.Decode(text)
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		tb.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	return pool
}
