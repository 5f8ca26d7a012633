package acme

import (
	"crypto/x509"
	"errors"
	"math/big"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// The example of RFC 9773 §4.1.
func TestRenewalID(t *testing.T) {
	leaf := &x509.Certificate{
		AuthorityKeyId: []byte{0x69, 0x88, 0x5b, 0x6b, 0x87, 0x46, 0x40, 0x41, 0xe1, 0xb3, 0x7b, 0x84, 0x7b, 0xa0, 0xae, 0x2c, 0xde, 0x01, 0xc8, 0xd4},
		SerialNumber:   big.NewInt(0x87654321),
	}
	const want = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"
	if got, err := RenewalID(leaf); err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if got, err := RenewalID(&x509.Certificate{SerialNumber: big.NewInt(1)}); err == nil {
		t.Errorf("got %q without an authority key identifier, want an error", got)
	}
}

func TestRenewalWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leaf := &x509.Certificate{AuthorityKeyId: []byte{1}, SerialNumber: big.NewInt(1)}
		window := func(start, end string) object {
			return object{"suggestedWindow": object{"start": start, "end": end}, "explanationURL": "https://ca.test/why"}
		}
		ok := window("2000-02-01T00:00:00Z", "2000-02-02T00:00:00Z")
		for _, test := range []struct {
			name  string
			reply reply
			again time.Duration
			fails bool
		}{
			{name: "says when", reply: reply{body: ok, header: map[string]string{"Retry-After": "7200"}}, again: 2 * time.Hour},
			{name: "does not", reply: reply{body: ok}, again: 6 * time.Hour},
			{name: "too soon", reply: reply{body: ok, header: map[string]string{"Retry-After": "1"}}, again: time.Minute},
			{name: "too late", reply: reply{body: ok, header: map[string]string{"Retry-After": "9999999"}}, again: 24 * time.Hour},
			{name: "has no start", reply: reply{body: object{"suggestedWindow": object{"end": "2000-02-02T00:00:00Z"}}}, fails: true},
			{name: "ends before it starts", reply: reply{body: window("2000-02-02T00:00:00Z", "2000-02-01T00:00:00Z")}, fails: true},
			{name: "not JSON", reply: reply{body: "<html>"}, fails: true},
			{name: "unknown", reply: reply{status: http.StatusNotFound, body: fakeProblem("malformed", "no such certificate")}, fails: true},
		} {
			f := newFake(nil, map[string][]reply{"/ari/AQ.AQ": {test.reply}})
			ca, err := Dial(t.Context(), Config{Directory: fakeURL + "/directory", Transport: f})
			if err != nil {
				t.Fatal(err)
			}
			w, err := ca.RenewalWindow(t.Context(), leaf)
			if test.fails {
				if err == nil {
					t.Errorf("%s: got %v, want an error", test.name, w)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
				continue
			}
			if again := time.Until(w.AskAgain); again != test.again || w.End.Sub(w.Start) != 24*time.Hour || w.Explanation != "https://ca.test/why" {
				t.Errorf("%s: got %+v, to ask again in %v, want in %v", test.name, w, again, test.again)
			}
		}
	})
}

func TestNoRenewalInfo(t *testing.T) {
	if _, err := new(CA).RenewalWindow(t.Context(), nil); !errors.Is(err, ErrNoRenewalInfo) {
		t.Errorf("got %v, want %v", err, ErrNoRenewalInfo)
	}
}

// Pebble knows its certificates by the identifier.
func TestRenewalWindowOfPebble(t *testing.T) {
	p := startPebble(t, pebbleOptions{})
	a := p.account(t)
	chain, err := issue(t.Context(), a, Request{Names: []string{"example.com"}}, newCSR(t, newKey(t), "example.com"), nil)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		t.Fatal(err)
	}
	w, err := a.CA.RenewalWindow(t.Context(), leaf)
	if err != nil || !w.Start.After(leaf.NotBefore) || !w.End.Before(leaf.NotAfter) {
		t.Errorf("got %+v, %v, want a window between %v and %v", w, err, leaf.NotBefore, leaf.NotAfter)
	}
}
