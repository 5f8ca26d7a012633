package issuance

import (
	"time"

	"certctl/acme"
	"certctl/store"
)

// Back-off after failures: twice as long after each, within these bounds, and
// never longer than a part of the lifetime that is left.
const (
	firstPause   = time.Hour
	longestPause = 24 * time.Hour
	hurry        = 10 // parts of the lifetime that is left
	leastPause   = 15 * time.Minute
)

// failed returns what is to be remembered of another failure. expires is when
// the live certificate ends; zero if there is none.
func failed(before *store.Failure, err error, now, expires time.Time) *store.Failure {
	f := &store.Failure{Count: 1, Last: now, Error: err.Error()}
	if before != nil {
		f.Count = before.Count + 1
	}
	f.Next = now.Add(pause(f.Count, now, expires))
	for _, p := range problems(err) {
		if url, paused := p.Paused(); paused {
			f.Visit = url
		}
		if p.RetryAfter.After(f.Next) {
			f.Next = p.RetryAfter
		}
	}
	return f
}

// pause returns how long to wait after so many failures.
func pause(count int, now, expires time.Time) time.Duration {
	wait := firstPause << min(count-1, 10)
	wait = min(wait, longestPause)
	if left := expires.Sub(now); !expires.IsZero() && left > 0 {
		wait = min(wait, max(left/hurry, leastPause))
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
