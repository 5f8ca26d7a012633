package acme

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// issuer signs certificates, also such as no CA should.
type issuer struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{key: newKey(t)}
	i.certificate = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "issuer"}, BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	i.certificate = i.sign(t, i.certificate, i.key)
	return i
}

func (i *issuer) sign(t *testing.T, template *x509.Certificate, key crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, i.certificate, key.Public(), i.key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (i *issuer) leaf(t *testing.T, key crypto.Signer, lifetime time.Duration, names ...string) *x509.Certificate {
	return i.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(lifetime),
	}, key)
}

func bundle(chain ...*x509.Certificate) string {
	var b strings.Builder
	for _, c := range chain {
		pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	return b.String()
}

func TestFinalizePolls(t *testing.T) {
	name := "example.com"
	order := func(status, retryAfter string) reply {
		r := reply{body: fakeOrder(status, name)}
		if retryAfter != "" {
			r.header = map[string]string{"Retry-After": retryAfter}
		}
		return r
	}
	refused := reply{status: 403, body: fakeProblem("orderNotReady", "order is processing")}
	for _, test := range []struct {
		name     string
		status   string // before
		finalize reply
		orders   []reply
		submits  int
		took     []time.Duration
		want     string
	}{
		{name: "at once", status: "ready", finalize: order("valid", ""), submits: 1, took: ms(0)},
		{name: "soon", status: "ready", finalize: order("processing", "3"), orders: []reply{order("valid", "")}, submits: 1, took: ms(50)},
		{name: "Retry-After in seconds", status: "ready", finalize: order("processing", "3"), orders: []reply{order("processing", "3"), order("valid", "")}, submits: 1, took: ms(3050)},
		{name: "Retry-After as a date", status: "ready", finalize: order("processing", ""), orders: []reply{order("processing", "Sat, 01 Jan 2000 00:00:09 GMT"), order("valid", "")}, submits: 1, took: ms(9000)},
		{name: "ready lags", status: "ready", finalize: order("ready", ""), orders: []reply{order("processing", ""), order("valid", "")}, submits: 1, took: ms(116)},
		{name: "processing already", status: "processing", orders: []reply{order("processing", ""), order("valid", "")}, took: ms(116)},
		{name: "valid already", status: "valid", took: ms(0)},
		{name: "pending when last seen", status: "pending", finalize: order("valid", ""), orders: []reply{order("ready", "")}, submits: 1, took: ms(50)},
		{name: "sent before", status: "ready", finalize: refused, orders: []reply{order("valid", "")}, submits: 1, took: ms(0)},
		{name: "refused", status: "ready", finalize: reply{status: 400, body: fakeProblem("badCSR", "weak key")}, orders: []reply{order("ready", "")}, submits: 1, took: ms(0), want: "finalize: badCSR: weak key"},
		{name: "invalid", status: "ready", finalize: order("processing", ""), orders: []reply{order("invalid", "")}, submits: 1, took: ms(50), want: "finalize: the order is invalid, and the CA does not say why"},
		{name: "unknown", status: "odd", took: ms(0), want: `finalize: order is of unknown status "odd"`},
		{name: "stuck", status: "processing", orders: []reply{order("processing", "90000")}, took: ms(50), want: "finalize: the CA is not done yet (come back at "},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ca, key := newIssuer(t), newKey(t)
				f := newFake([]string{name}, map[string][]reply{
					"/new-order":   {{status: 201, header: map[string]string{"Location": fakeURL + "/order"}, body: fakeOrder(test.status, name)}},
					"/finalize":    {test.finalize},
					"/order":       test.orders,
					"/certificate": {{body: bundle(ca.leaf(t, key, time.Hour, name), ca.certificate)}},
				})
				o, err := f.account(t).NewOrder(t.Context(), Request{Names: []string{name}})
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				chain, err := o.Finalize(t.Context(), newCSR(t, key, name))
				if test.want == "" && (err != nil || len(chain) != 2) || test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), test.want)) {
					t.Errorf("got %d certificates and %v, want error %q", len(chain), err, test.want)
				}
				if took := time.Since(start); took != test.took[0] {
					t.Errorf("took %v, want %v", took, test.took[0])
				}
				if got := len(f.times("POST /finalize")); got != test.submits {
					t.Errorf("sent the request %d times, want %d", got, test.submits)
				}
				if slices.Contains(f.asked, "HEAD /nonce") {
					t.Error("asked for a nonce, want those that the CA sends with each answer")
				}
			})
		})
	}
}

func TestFinalizeChecksCertificate(t *testing.T) {
	names := []string{"example.com", "*.example.com"}
	ca, other, key := newIssuer(t), newIssuer(t), newKey(t)
	good := ca.leaf(t, key, time.Hour, "*.Example.com", "example.com")
	for name, test := range map[string]struct {
		sent, want string
	}{
		"good":         {bundle(good, ca.certificate), ""},
		"leaf alone":   {bundle(good), ""},
		"nothing":      {"", "fetch certificate: "},
		"a page":       {"<html>", "fetch certificate: "},
		"name missing": {bundle(ca.leaf(t, key, time.Hour, "example.com")), "the CA's certificate: it is for example.com, but the order is for example.com, *.example.com"},
		"name more":    {bundle(ca.leaf(t, key, time.Hour, append(names, "b.test")...)), "the CA's certificate: it is for example.com, *.example.com, b.test, but"},
		"other key":    {bundle(ca.leaf(t, newKey(t), time.Hour, names...), ca.certificate), "the CA's certificate: it is for another key"},
		"expired":      {bundle(ca.leaf(t, key, -time.Minute, names...), ca.certificate), "the CA's certificate: it expired at "},
		"other issuer": {bundle(good, other.certificate), `the CA's certificate: "" is not signed by "CN=issuer", the next of the chain: `},
		"wrong order":  {bundle(ca.certificate, good), `the CA's certificate: "CN=issuer" is not signed by `},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(names, map[string][]reply{
				"/new-order":   {{status: 201, header: map[string]string{"Location": fakeURL + "/order"}, body: fakeOrder("valid", names...)}},
				"/certificate": {{body: test.sent}},
			})
			o, err := f.account(t).NewOrder(t.Context(), Request{Names: names})
			if err != nil {
				t.Fatal(err)
			}
			_, err = o.Finalize(t.Context(), newCSR(t, key, names...))
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
