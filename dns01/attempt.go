package dns01

import (
	"context"
	"errors"
	"sync/atomic"
)

// Attempt is what is known of one call of a Provider while it lasts: whether a
// server may have written something. It is in the context of all that the call
// sends.
type Attempt struct{ written atomic.Bool }

type attemptKey struct{}

// Attempting returns the context of a call, and what will be known of it.
func Attempting(ctx context.Context) (context.Context, *Attempt) {
	a := new(Attempt)
	return context.WithValue(ctx, attemptKey{}, a), a
}

// Written notes, in the Attempt of a context if there is one, that something was
// sent that would change records and was not refused: it was carried out, or
// nobody knows.
func Written(ctx context.Context) {
	if a, ok := ctx.Value(attemptKey{}).(*Attempt); ok {
		a.written.Store(true)
	}
}

// Err returns the error that a call ended with: an *UnwrittenError if no server
// can have written anything.
func (a *Attempt) Err(err error) error {
	if err == nil || a.written.Load() {
		return err
	}
	if _, said := errors.AsType[*UnwrittenError](err); said {
		return err
	}
	return &UnwrittenError{Err: err}
}

// UnwrittenError says that no record can be there: nothing was sent to any
// server, or all that was is refused.
type UnwrittenError struct{ Err error }

func (e *UnwrittenError) Error() string { return e.Err.Error() }
func (e *UnwrittenError) Unwrap() error { return e.Err }
