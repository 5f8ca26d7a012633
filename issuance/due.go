package issuance

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"time"

	"certctl/store"
)

// Due returns the time from which a certificate is to be renewed where the CA
// makes no suggestion: when a third of its lifetime is left, or half of it
// where it lives less than ten days.
func Due(leaf *x509.Certificate) time.Time { return due(leaf.NotBefore, leaf.NotAfter) }

func due(notBefore, notAfter time.Time) time.Time {
	lifetime := notAfter.Sub(notBefore)
	left := lifetime / 3
	if lifetime < 10*24*time.Hour {
		left = lifetime / 2
	}
	return notAfter.Add(-left)
}

// Renewal is a certificate that is wanted, and when it is to be ordered.
type Renewal struct {
	Request
	Directory string         // URL of the CA's directory
	Kept      *store.Request // what is remembered; nil before the first order
	At        time.Time      // due from then on; zero for at once
	Why       string         // then, in words
}

// Due reports whether it is to be ordered now. What was tried and failed is
// held back until its time has come again.
func (r *Renewal) Due(now time.Time) bool {
	return !now.Before(r.At) && r.Held(now) == ""
}

// Held says why a certificate is not ordered although it is due, "" if it is
// not held back.
func (r *Renewal) Held(now time.Time) string {
	if r.Kept == nil || r.Kept.Failure == nil {
		return ""
	}
	f := r.Kept.Failure
	switch {
	case f.Visit != "":
		return "a person has to visit " + f.Visit
	case now.Before(f.Next):
		return fmt.Sprintf("it failed %s, and is tried again after %s", times(f.Count), f.Next.Local().Format(time.RFC3339))
	}
	return ""
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// schedule decides when a certificate is to be ordered.
func (r *Renewal) schedule(live bool) {
	switch k := r.Kept; {
	case k == nil || k.Issued == nil || !live:
		r.At, r.Why = time.Time{}, "there is none yet"
	case !sameNames(k.Names, r.Names):
		r.At, r.Why = time.Time{}, "its names have changed"
	case cmp.Or(k.KeyType, string(ECDSAP256)) != string(cmp.Or(r.Key, ECDSAP256)):
		r.At, r.Why = time.Time{}, "its key type has changed"
	case k.Profile != r.Profile:
		r.At, r.Why = time.Time{}, "its profile has changed"
	case k.Directory != r.Directory:
		r.At, r.Why = time.Time{}, "the CA has changed"
	case k.Window != nil && !k.Window.Chosen.IsZero():
		r.At, r.Why = k.Window.Chosen, "the CA suggests it"
		if k.Window.Explanation != "" {
			r.Why += ": " + k.Window.Explanation
		}
	default:
		r.At, r.Why = due(k.Issued.NotBefore, k.Issued.NotAfter), "its lifetime is coming to an end"
	}
}

// RenewAfter returns the time from which a remembered certificate is to be
// renewed.
func RenewAfter(k *store.Request) time.Time {
	r := &Renewal{Request: Remembered(k), Directory: k.Directory, Kept: k}
	r.schedule(true)
	return r.At
}
