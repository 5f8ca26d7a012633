package issuance

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"certctl/acme"
	"certctl/store"
)

const (
	concurrentWindows = 8              // certificates that a CA is asked about at once
	withoutWindows    = 24 * time.Hour // until a CA that suggests nothing is asked again
	afterTrouble      = time.Hour      // until one that did not answer is
)

// Plan decides when each of the renewals is to be ordered. A CA is asked only
// for suggestions that have come up, and one that does not answer never holds
// up a renewal: then the lifetime of the certificate decides. dial returns the
// CA of a directory; warn is told what did not work.
func Plan(ctx context.Context, s *store.Store, rs []*Renewal, dial func(directory string) (*acme.CA, error), warn func(certificate, text string)) error {
	now := time.Now()
	var g errgroup.Group
	g.SetLimit(concurrentWindows)
	for _, r := range rs {
		live, err := s.HasCertificate(r.Certificate)
		if err != nil {
			return err
		}
		r.schedule(live)
		if !live || !r.asksAgain(now) {
			continue
		}
		g.Go(func() error {
			if err := r.ask(ctx, s, dial); err != nil && ctx.Err() == nil {
				warn(r.Certificate, err.Error())
			}
			return nil
		})
	}
	_ = g.Wait()
	return ctx.Err()
}

// asksAgain reports whether the CA that issued the certificate may and should
// be asked when to renew it.
func (r *Renewal) asksAgain(now time.Time) bool {
	k := r.Kept
	if k == nil || k.Issued == nil || k.Directory != r.Directory {
		return false
	}
	return k.Window == nil || !now.Before(k.Window.AskAgain)
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
		k.Window, err = &store.Window{AskAgain: time.Now().Add(withoutWindows)}, nil
	case err != nil:
		k.Window.AskAgain = time.Now().Add(afterTrouble)
	default:
		k.Window = moved(k.Window, suggested)
	}
	r.schedule(true)
	return errors.Join(err, s.SaveRequest(k))
}

func (r *Renewal) suggestion(ctx context.Context, s *store.Store, dial func(string) (*acme.CA, error)) (*acme.RenewalWindow, error) {
	ca, err := dial(r.Directory)
	if err != nil {
		return nil, err
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
