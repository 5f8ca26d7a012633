package guard

import "context"

// Turn lets one caller at a time in, and others wait until they are not wanted
// any more: a lock that knows contexts. It is made by NewTurn.
type Turn chan struct{}

// NewTurn returns a turn that nobody has.
func NewTurn() Turn { return make(Turn, 1) }

// Take waits for the turn. The error is the context's.
func (t Turn) Take(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Give lets the next one in.
func (t Turn) Give() { <-t }
