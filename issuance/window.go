package issuance

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"certctl/acme"
	"certctl/store"
)

const (
	longestSilence = 24 * time.Hour // after which a CA is asked again (RFC 9773 §4.3.2)
	withoutWindows = 24 * time.Hour // until a CA that suggests nothing is asked again
	afterTrouble   = time.Hour      // until one that did not answer is
)

// asksAgain reports whether the CA that issued the certificate may and should
// be asked when to renew it. A time that is far away is one of a wrong clock.
func (r *Renewal) asksAgain(now time.Time) bool {
	k := r.Kept
	if k == nil || k.Issued == nil {
		return false
	}
	if _, may := r.askedAt(k.Directory); !may {
		return false
	}
	return k.Window == nil || !now.Before(k.Window.AskAgain) || k.Window.AskAgain.Sub(now) > longestSilence
}

// ask asks the CA, and keeps what it says, also that it says nothing.
func (r *Renewal) ask(ctx context.Context, s *store.Store, dial func(string) (*acme.CA, error)) error {
	suggested, err := r.suggestion(ctx, s, dial)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	k := r.Kept
	if k.Window == nil {
		k.Window = &store.Window{}
	}
	switch {
	case errors.Is(err, acme.ErrNoRenewalInfo):
		k.Window.AskAgain, err = time.Now().Add(withoutWindows), nil // what it suggested before still stands
	case err != nil:
		k.Window.AskAgain = time.Now().Add(afterTrouble)
		for _, p := range problems(err) {
			k.Window.AskAgain = later(k.Window.AskAgain, p.RetryAfter)
		}
		if last := time.Now().Add(longestSilence); k.Window.AskAgain.After(last) {
			k.Window.AskAgain = last
		}
	default:
		k.Window = moved(k.Window, suggested)
	}
	r.schedule(true)
	return errors.Join(err, s.SaveRequest(k))
}

func (r *Renewal) suggestion(ctx context.Context, s *store.Store, dial func(string) (*acme.CA, error)) (*acme.RenewalWindow, error) {
	ca, err := dial(r.Kept.Directory)
	if err != nil {
		return nil, err
	}
	if ca.RenewalInfo == "" {
		return nil, acme.ErrNoRenewalInfo
	}
	live, err := s.LoadCertificate(r.Certificate)
	if err != nil {
		return nil, err
	}
	return ca.RenewalWindow(ctx, live.Leaf)
}

// moved returns the window that the CA suggests now. While it stays the same,
// so does the instant chosen in it (RFC 9773 §4.2).
func moved(old *store.Window, w *acme.RenewalWindow) *store.Window {
	window := &store.Window{Start: w.Start, End: w.End, Chosen: old.Chosen, AskAgain: w.AskAgain, Explanation: w.Explanation}
	if !old.Start.Equal(w.Start) || !old.End.Equal(w.End) {
		window.Chosen = w.Start.Add(time.Duration(rand.Int64N(int64(w.End.Sub(w.Start)))))
	}
	return window
}
