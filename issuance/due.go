package issuance

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"fmt"
	"slices"
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

// Choice is a CA that a certificate may come from.
type Choice struct {
	Directory string // URL of the CA's directory
	Profile   string // to ask it for; "" for its default
}

// Renewal is a certificate that is wanted, and when it is to be ordered.
type Renewal struct {
	Request
	Directory string         // URL of the CA's directory
	Fallbacks []Choice       // asked, in this order, when that CA cannot issue for reasons of its own
	Kept      *store.Request // what is remembered; nil before the first order
	At        time.Time      // due from then on; zero for at once
	Why       string         // then, in words
	Once      bool           // a person asks for it, and nobody else is to if it cannot be had
	Err       error          // what keeps it from being looked at; it is not ordered
}

// choices returns the CAs that it may come from, the most wanted first.
func (r *Renewal) choices() []Choice {
	return append([]Choice{{r.Directory, r.Profile}}, r.Fallbacks...)
}

// open returns the CAs that may be asked now. Others have said when to come
// back, or want to see a person first.
func (r *Renewal) open(now time.Time) []Choice {
	return slices.DeleteFunc(r.choices(), func(c Choice) bool {
		if r.Kept == nil {
			return false
		}
		refusal, refused := r.Kept.Refusals[c.Directory]
		return refused && (refusal.Visit != "" || now.Before(refusal.Until))
	})
}

// Due reports whether it is to be ordered now. What was tried and failed is
// held back until its time has come again.
func (r *Renewal) Due(now time.Time) bool {
	return r.Err == nil && !now.Before(r.At) && r.Held(now) == ""
}

// Next returns when it is likely to be ordered: when it is due, or when it may
// be tried again.
func (r *Renewal) Next() time.Time {
	if r.Kept == nil || r.Kept.Failure == nil || misdated(r.Kept.Failure, time.Now()) {
		return r.At
	}
	return later(r.At, r.Kept.Failure.Next)
}

// Held says why a certificate is not ordered although it is due, "" if it is
// not held back.
func (r *Renewal) Held(now time.Time) string {
	if r.Kept == nil {
		return ""
	}
	if i := r.Kept.Issued; i != nil && !i.Revoked.IsZero() {
		return "it was revoked on " + i.Revoked.Local().Format(time.DateOnly) + ", and a new one is ordered only when asked for"
	}
	if r.Kept.Failure == nil {
		return ""
	}
	f := r.Kept.Failure
	switch {
	case len(r.open(now)) == 0 && f.Visit != "":
		return "a person has to visit " + f.Visit + ", and then force it"
	case now.Before(f.Next) && !misdated(f, now):
		return fmt.Sprintf("it failed %s, and is tried again after %s", times(f.Count), f.Next.Local().Format(time.RFC3339))
	}
	return ""
}

// misdated reports whether an attempt failed when the clock was wrong: by then
// it was later than it is now. Such a clock makes attempts fail, and the time of
// the next one may be years away.
func misdated(f *store.Failure, now time.Time) bool { return f.Last.After(now) }

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// changed says in words what a request asks for that is not as remembered, ""
// if nothing.
func changed(k *store.Request, r Request) string {
	switch {
	case !sameNames(k.Names, r.Names):
		return "names have"
	case !bytes.Equal(k.CSR, r.CSR):
		return "certificate request has"
	case KeyType(cmp.Or(k.KeyType, string(ECDSAP256))) != keyType(r.Key):
		return "key type has"
	case k.Profile != r.Profile:
		return "profile has"
	case k.Chain != r.Chain:
		return "preferred chain has"
	case k.Staple != r.MustStaple:
		return "wish for stapling has"
	}
	return ""
}

// schedule decides when a certificate is to be ordered.
func (r *Renewal) schedule(live bool) {
	k := r.Kept
	if k == nil || k.Issued == nil || !live {
		r.At, r.Why = time.Time{}, "there is none yet"
		return
	}
	request, may := r.askedAt(k.Directory)
	switch {
	case !may:
		r.At, r.Why = time.Time{}, "the CA has changed"
	case changed(k, request) != "":
		r.At, r.Why = time.Time{}, "its "+changed(k, request)+" changed"
	case k.Window != nil && k.Window.Chosen.After(latest(k.Issued)):
		r.At, r.Why = latest(k.Issued), "its lifetime is coming to an end, and the CA suggests a later time"
	case k.Window != nil && !k.Window.Chosen.IsZero():
		r.At, r.Why = k.Window.Chosen, "the CA suggests it"
		if k.Window.Explanation != "" {
			r.Why += ": " + k.Window.Explanation
		}
	default:
		r.At, r.Why = due(k.Issued.NotBefore, k.Issued.NotAfter), "its lifetime is coming to an end"
	}
}

// askedAt returns what one of the CAs is asked for, if the certificate may come
// from there.
func (r *Renewal) askedAt(directory string) (request Request, may bool) {
	request = r.Request
	for _, c := range r.choices() {
		if c.Directory == directory {
			request.Profile = c.Profile
			return request, true
		}
	}
	return request, false
}

// latest returns when a certificate is renewed whatever its CA suggests: a
// suggestion must leave time for things to go wrong.
func latest(i *store.Issued) time.Time {
	return i.NotAfter.Add(-i.NotAfter.Sub(due(i.NotBefore, i.NotAfter)) / 2)
}

// advance makes it due now when the instant that was chosen in the CA's window
// comes before the next run (RFC 9773 §4.2), unless that run is still within
// the window: only there does the CA exempt the order from its limits.
func (r *Renewal) advance(now, next time.Time) {
	if r.Kept == nil || r.Kept.Window == nil || !r.At.Equal(r.Kept.Window.Chosen) || !r.At.Before(next) {
		return
	}
	w := r.Kept.Window
	if now.Before(r.At) && (!now.Before(w.Start) || !next.Before(w.End)) {
		r.At = now
		r.Why += ", before the next run"
	}
}

// RenewAfter returns the time from which a remembered certificate is to be
// renewed.
func RenewAfter(k *store.Request) time.Time {
	r := &Renewal{Request: Remembered(k), Directory: k.Directory, Kept: k}
	r.schedule(true)
	return r.At
}
