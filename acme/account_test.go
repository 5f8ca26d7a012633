package acme

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFind(t *testing.T) {
	a := startPebble(t, pebbleOptions{badNonces: 20}).account(t)
	found, err := a.CA.Find(t.Context(), a.key)
	if err != nil || found.URL != a.URL {
		t.Errorf("got %v, %v, want %s", found, err, a.URL)
	}
	var none *NoAccountError
	if _, err := a.CA.Find(t.Context(), newKey(t)); !errors.As(err, &none) || none.Hint() == "" {
		t.Errorf("another key: got %v, want that there is no account", err)
	}
}

func TestDetails(t *testing.T) {
	a := startPebble(t, pebbleOptions{}).account(t)
	d, err := a.Details(t.Context())
	if err != nil || d.Status != Valid || !slices.Equal(d.Contact, []string{"mailto:ops@example.com"}) {
		t.Errorf("got %+v, %v, want a valid account with its address", d, err)
	}
	for _, contact := range [][]string{{"mailto:new@example.com"}, nil} {
		if _, err := a.SetContact(t.Context(), contact); err != nil {
			t.Error(err)
		}
		if d, err := a.Details(t.Context()); err != nil || !slices.Equal(d.Contact, contact) {
			t.Errorf("got %+v, %v, want the contact %q", d, err, contact)
		}
	}
}

// What the CA says does not steer the terminal.
func TestDetailsPlain(t *testing.T) {
	f := newFake([]string{"example.com"}, map[string][]reply{"/account/1": {{body: object{"status": "valid", "contact": []string{"mailto:\x1b[2Ja@example.com"}}}}})
	d, err := f.account(t).Details(t.Context())
	if err != nil || strings.ContainsRune(d.Contact[0], '\x1b') {
		t.Errorf("got %q, %v", d, err)
	}
}

func TestDeactivate(t *testing.T) {
	a := startPebble(t, pebbleOptions{}).account(t)
	if err := a.Deactivate(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := a.NewOrder(t.Context(), Request{Names: []string{"example.com"}})
	var p *Problem
	if !errors.As(err, &p) || !strings.Contains(p.Hint(), "register --force") {
		t.Errorf("got %v, want a problem that says how to go on", err)
	}
}

// The label's vector is that of draft-ietf-acme-dns-account-label.
func TestLabel(t *testing.T) {
	a := &Account{URL: "https://example.com/acme/acct/ExampleAccount"}
	if got, want := a.Label(), "_ujmmovf2vn55tgye"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRollover(t *testing.T) {
	a := startPebble(t, pebbleOptions{badNonces: 20}).account(t)
	old, key := a.key, newKey(t)
	if err := a.Rollover(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if _, err := a.NewOrder(t.Context(), Request{Names: []string{"example.com"}}); err != nil {
		t.Errorf("with the new key: %v", err)
	}
	if _, err := a.CA.Find(t.Context(), old); err == nil {
		t.Error("the CA still knows the old key")
	}
	_, err := a.CA.Account(a.URL, old).NewOrder(t.Context(), Request{Names: []string{"example.com"}})
	var p *Problem
	if !errors.As(err, &p) || !strings.Contains(p.Hint(), "another key") {
		t.Errorf("with the old key: got %v, want a problem that says that it was changed", err)
	}
}

// A CA whose directory lacks a resource is not asked for it.
func TestUnsupported(t *testing.T) {
	a := newFake([]string{"example.com"}, nil).account(t)
	var unsupported *UnsupportedError
	if err := a.Rollover(t.Context(), newKey(t)); !errors.As(err, &unsupported) {
		t.Errorf("rollover: got %v", err)
	}
	if err := a.Revoke(t.Context(), nil, Unspecified); !errors.As(err, &unsupported) {
		t.Errorf("revoke: got %v", err)
	}
}

func TestChangedTerms(t *testing.T) {
	problem := fakeProblem("userActionRequired", "the terms have changed")
	problem["instance"] = "https://ca.test/agree"
	f := newFake([]string{"example.com"}, map[string][]reply{"/new-order": {{status: 403, body: problem}}})
	_, err := f.account(t).NewOrder(t.Context(), Request{Names: []string{"example.com"}})
	var p *Problem
	if !errors.As(err, &p) || !strings.Contains(p.Hint(), "https://ca.test/agree") {
		t.Errorf("got %v, want a problem that names the page", err)
	}
}

func TestRevoke(t *testing.T) {
	p := startPebble(t, pebbleOptions{badNonces: 20})
	a, key := p.account(t), newKey(t)
	issued := func() ([]byte, func() bool) {
		chain, err := issue(t.Context(), a, Request{Names: []string{"example.com"}}, newCSR(t, key, "example.com"), nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(chain[0])
		if err != nil {
			t.Fatal(err)
		}
		return chain[0], func() bool { return p.db.GetRevokedCertificateBySerial(leaf.SerialNumber) != nil }
	}
	byAccount, revoked := issued()
	if err := a.Revoke(t.Context(), byAccount, Superseded); err != nil || !revoked() {
		t.Errorf("by the account: %v, revoked %v", err, revoked())
	}
	if err := a.Revoke(t.Context(), byAccount, Superseded); err != nil {
		t.Errorf("again: %v", err)
	}
	byKey, revoked := issued()
	if err := a.CA.Revoke(t.Context(), newKey(t), byKey, KeyCompromise); err == nil || revoked() {
		t.Errorf("by a foreign key: %v, revoked %v", err, revoked())
	}
	if err := a.CA.Revoke(t.Context(), key, byKey, KeyCompromise); err != nil || !revoked() {
		t.Errorf("by its key: %v, revoked %v", err, revoked())
	}
}

func TestParseRevocationReason(t *testing.T) {
	for word, want := range map[string]RevocationReason{"keycompromise": KeyCompromise, "superseded": Superseded, "cACompromise": "", "": ""} {
		if got, err := ParseRevocationReason(word); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", word, got, err, want)
		}
	}
}

func TestPrefer(t *testing.T) {
	a := startPebble(t, pebbleOptions{badNonces: 20, alternates: 2}).account(t)
	key := newKey(t)
	o, err := a.NewOrder(t.Context(), Request{Names: []string{"example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	zs, err := pending(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Validate(t.Context(), zs, nil); err != nil {
		t.Fatal(err)
	}
	chain, err := o.Finalize(t.Context(), newCSR(t, key, "example.com"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = o.Prefer(t.Context(), chain, "Nobody's Root")
	var none *NoChainError
	if !errors.As(err, &none) || len(none.Roots) != 3 {
		t.Fatalf("got %v, want that there are three others", err)
	}
	for _, root := range none.Roots {
		alternate, err := o.Prefer(t.Context(), chain, strings.ToUpper(root))
		if err != nil {
			t.Errorf("%s: %v", root, err)
			continue
		}
		_, got := leadsTo(alternate, "")
		if got != root || !slices.Equal(alternate[0], chain[0]) {
			t.Errorf("%s: got a chain to %s", root, got)
		}
		print := fmt.Sprintf("%X", sha256.Sum256(alternate[1]))
		if again, err := o.Prefer(t.Context(), chain, print); err != nil || !slices.Equal(again[1], alternate[1]) {
			t.Errorf("%s: got %v by fingerprint", root, err)
		}
	}
}

// An alternate that is for another certificate is not taken.
func TestPreferForeign(t *testing.T) {
	i, key := newIssuer(t), newKey(t)
	own, foreign := i.leaf(t, key, time.Hour, "example.com"), i.leaf(t, key, time.Hour, "example.com")
	f := newFake([]string{"example.com"}, map[string][]reply{
		"/certificate":   {{header: map[string]string{"Link": "<" + fakeURL + "/certificate/1>;rel=\"alternate\""}, body: ""}},
		"/certificate/1": {{body: bundle(foreign)}},
	})
	o := &Order{Account: f.account(t), Names: []string{"example.com"}, certificate: fakeURL + "/certificate"}
	if chain, err := o.Prefer(t.Context(), [][]byte{own.Raw}, "Another Root"); err == nil || !strings.Contains(err.Error(), "another certificate") {
		t.Errorf("got %d certificates, %v, want that it is for another", len(chain), err)
	}
}
