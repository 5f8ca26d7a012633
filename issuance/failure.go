package issuance

import (
	"errors"
	"time"

	"certctl/acme"
	"certctl/store"
)

// Back-off after failures: twice as long after each, within these bounds, and
// never longer than a part of the lifetime that is left.
const (
	firstPause   = time.Hour
	longestPause = 24 * time.Hour
	pauseAtEnd   = 6 * time.Hour // once the certificate has ended
	hurry        = 10            // parts of the lifetime that is left
	leastPause   = 15 * time.Minute
)

// setback is that a certificate could not be had from a CA.
type setback struct {
	directory string
	err       error
}

// fail remembers that a certificate could be had from none of the CAs that
// were asked.
func (r *Renewal) fail(now time.Time, setbacks []setback) {
	k := r.Kept
	f := &store.Failure{Count: 1, Last: now, Error: joined(setbacks).Error()}
	if k.Failure != nil {
		f.Count = k.Failure.Count + 1
	}
	var expires time.Time
	if k.Issued != nil {
		expires = k.Issued.NotAfter
	}
	f.Next = now.Add(pause(f.Count, now, expires))
	for _, s := range setbacks {
		r.refused(now, s)
	}
	f.Visit = r.visit()
	if len(r.open(now)) == 0 {
		f.Next = later(f.Next, r.reopens())
	}
	k.Failure = f
}

// refused remembers when a CA wants to be asked again, and reports whether it
// has said so.
func (r *Renewal) refused(now time.Time, s setback) bool {
	var refusal store.Refusal
	for _, p := range problems(s.err) {
		if url, paused := p.Paused(); paused {
			refusal.Visit = url
		}
		refusal.Until = later(refusal.Until, p.RetryAfter)
	}
	if refusal.Visit == "" && !refusal.Until.After(now) {
		return false
	}
	if r.Kept.Refusals == nil {
		r.Kept.Refusals = make(map[string]store.Refusal)
	}
	r.Kept.Refusals[s.directory] = refusal
	return true
}

// visit returns where a person has to go before a CA issues again, "" for
// nowhere.
func (r *Renewal) visit() string {
	for _, c := range r.choices() {
		if url := r.Kept.Refusals[c.Directory].Visit; url != "" {
			return url
		}
	}
	return ""
}

// reopens returns when the first of the CAs, which have all refused, is to be
// asked again.
func (r *Renewal) reopens() time.Time {
	var first time.Time
	for _, c := range r.choices() {
		until := r.Kept.Refusals[c.Directory].Until
		if first.IsZero() || !until.IsZero() && until.Before(first) {
			first = until
		}
	}
	return first
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// joined returns the error of several setbacks.
func joined(setbacks []setback) error {
	if len(setbacks) == 1 {
		return setbacks[0].err
	}
	var errs []error
	for _, s := range setbacks {
		errs = append(errs, s.err)
	}
	return errors.Join(errs...)
}

// pause returns how long to wait after so many failures.
func pause(count int, now, expires time.Time) time.Duration {
	wait := firstPause << min(count-1, 10)
	wait = min(wait, longestPause)
	switch left := expires.Sub(now); {
	case expires.IsZero():
	case left > 0:
		wait = min(wait, max(left/hurry, leastPause))
	default:
		wait = min(wait, pauseAtEnd)
	}
	return wait
}

// problems returns the CA's problems in an error.
func problems(err error) []*acme.Problem {
	var found []*acme.Problem
	switch e := err.(type) {
	case *acme.Problem:
		found = append(found, e)
	case interface{ Unwrap() []error }:
		for _, wrapped := range e.Unwrap() {
			found = append(found, problems(wrapped)...)
		}
	case interface{ Unwrap() error }:
		found = problems(e.Unwrap())
	}
	return found
}
