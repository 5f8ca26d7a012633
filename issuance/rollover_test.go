package issuance_test

import (
	"crypto"
	"crypto/tls"
	"errors"
	"net/http"
	"strings"
	"testing"

	"certctl/acme"
	"certctl/issuance"
	"certctl/lab"
	"certctl/store"
)

// faulty spoils the requests for another account key.
type faulty struct {
	next  http.RoundTripper
	spoil func(send func() (*http.Response, error)) (*http.Response, error) // nil: nothing
}

func (f *faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	send := func() (*http.Response, error) { return f.next.RoundTrip(r) }
	if f.spoil == nil || !strings.Contains(r.URL.Path, "rollover") {
		return send()
	}
	return f.spoil(send)
}

// death is how a run ends in the middle of a request.
type death struct{}

// rolling is an account whose CA can be reached through faults.
type rolling struct {
	*issuance.Issuer
	ca    *acme.CA
	fault *faulty
	old   crypto.PublicKey
}

func newRolling(t *testing.T) *rolling {
	t.Helper()
	l := startLab(t, lab.Options{})
	i := newIssuer(t, l)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots(t, l.CAFile)}
	t.Cleanup(transport.CloseIdleConnections)
	r := &rolling{Issuer: i, fault: &faulty{next: transport}}
	var err error
	if r.ca, err = acme.Dial(t.Context(), acme.Config{Directory: l.Directory, Transport: r.fault}); err != nil {
		t.Fatal(err)
	}
	r.old = i.Account.Public()
	return r
}

// try does a rollover, and reports whether it died of it.
func (r *rolling) try(t *testing.T) (died bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			if _, died = p.(death); !died {
				panic(p)
			}
		}
	}()
	_, err = issuance.Rollover(t.Context(), r.ca, r.Store, issuance.ECDSAP256)
	return false, err
}

// check checks that the account can be used, with the new key or the old one.
func (r *rolling) check(t *testing.T, wantNew bool) {
	t.Helper()
	r.fault.spoil = nil
	a, err := issuance.OpenAccount(t.Context(), r.ca, r.Store, acme.Registration{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.NewOrder(t.Context(), acme.Request{Names: []string{"example.com"}}); err != nil {
		t.Errorf("the account cannot be used: %v", err)
	}
	if a.URL != r.Account.URL {
		t.Errorf("got the account %s, want %s", a.URL, r.Account.URL)
	}
	if isNew := !a.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(r.old); isNew != wantNew {
		t.Errorf("got the new key %v, want %v", isNew, wantNew)
	}
}

func (r *rolling) saved(t *testing.T) *store.Account {
	t.Helper()
	saved, err := r.Store.LoadAccount(r.ca.URL)
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

func TestRollover(t *testing.T) {
	r := newRolling(t)
	if _, err := r.try(t); err != nil {
		t.Fatal(err)
	}
	r.check(t, true)
	if r.saved(t).NextKey != nil {
		t.Error("the next key is still kept beside the new one")
	}
}

// A run that dies before the CA hears of the new key goes on with the old one,
// and the next rollover is for the same key.
func TestRolloverDiesBefore(t *testing.T) {
	r := newRolling(t)
	r.fault.spoil = func(func() (*http.Response, error)) (*http.Response, error) { panic(death{}) }
	if died, _ := r.try(t); !died {
		t.Fatal("it did not die")
	}
	r.check(t, false)
	next := r.saved(t).NextKey
	if next == nil {
		t.Fatal("the next key is lost: the CA may hear of it yet")
	}
	if _, err := r.try(t); err != nil {
		t.Fatal(err)
	}
	r.check(t, true)
	if saved := r.saved(t); !saved.Key.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(next.Public()) {
		t.Error("got a third key, want the rollover finished")
	}
}

// A run that dies when the CA has changed the key, and before it hears so, goes
// on with the new one.
func TestRolloverDiesAfter(t *testing.T) {
	r := newRolling(t)
	r.fault.spoil = func(send func() (*http.Response, error)) (*http.Response, error) {
		res, err := send()
		if err != nil || res.StatusCode != http.StatusOK {
			return res, err // a nonce that was rejected
		}
		panic(death{})
	}
	if died, _ := r.try(t); !died {
		t.Fatal("it did not die")
	}
	r.check(t, true)
	if r.saved(t).NextKey != nil {
		t.Error("the next key is still kept beside the new one")
	}
}

// A CA whose answer is lost has changed the key, and refuses the second try.
func TestRolloverAnswerLost(t *testing.T) {
	r := newRolling(t)
	lost := false
	r.fault.spoil = func(send func() (*http.Response, error)) (*http.Response, error) {
		res, err := send()
		if lost || err != nil || res.StatusCode != http.StatusOK {
			return res, err
		}
		lost = true
		return nil, errors.New("connection reset")
	}
	if _, err := r.try(t); err != nil || !lost {
		t.Fatalf("got %v, lost %v", err, lost)
	}
	r.check(t, true)
}

// A CA that refuses leaves the old key, alone.
func TestRolloverRefused(t *testing.T) {
	r := newRolling(t)
	r.fault.spoil = func(send func() (*http.Response, error)) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}, Body: http.NoBody}, nil
	}
	var problem *acme.Problem
	if _, err := r.try(t); !errors.As(err, &problem) {
		t.Errorf("got %v, want the CA's problem", err)
	}
	r.check(t, false)
	if r.saved(t).NextKey != nil {
		t.Error("the refused key is still kept")
	}
}
