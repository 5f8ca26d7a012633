package delegation

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// What one name may cost, whatever servers answer: they can belong to those
// who would like certctl to go on asking for ever.
const (
	maxQueries = 200
	maxTime    = 30 * time.Second
)

// LimitError says that a name was given up because it takes too many queries,
// or too long.
type LimitError struct {
	Queries int           // 0: it was the time
	Time    time.Duration // 0: it was the queries
}

func (e *LimitError) Error() string {
	if e.Queries > 0 {
		return fmt.Sprintf("given up after %d queries", e.Queries)
	}
	return fmt.Sprintf("given up after %v", e.Time)
}

// Hint says what such servers may be about.
func (e *LimitError) Hint() string {
	return "no healthy delegation is so long or so slow: certctl trace shows the way"
}

// Limit returns a context in which at most 200 queries are sent, counting each
// packet over UDP and each connection over TCP, and in which 30 seconds pass
// at most. Then it ends, and its cause is a *LimitError. Resolve sets this
// limit for itself, unless it is called in such a context.
func Limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Value(budgetKey{}) != nil {
		return ctx, func() {}
	}
	ctx, exhausted := context.WithCancelCause(ctx)
	b := &budget{exhausted: exhausted}
	b.left.Store(maxQueries)
	ctx, stop := context.WithTimeoutCause(ctx, maxTime, &LimitError{Time: maxTime})
	return context.WithValue(ctx, budgetKey{}, b), func() {
		stop()
		exhausted(nil)
	}
}

type budgetKey struct{}

// budget is the number of queries that a name may still cost.
type budget struct {
	left      atomic.Int64
	exhausted context.CancelCauseFunc
}

// spend takes a query from the budget of ctx, which it ends when there is none.
func spend(ctx context.Context) {
	if b, ok := ctx.Value(budgetKey{}).(*budget); ok && b.left.Add(-1) < 0 {
		b.exhausted(&LimitError{Queries: maxQueries})
	}
}

// ended says why a context is done: the limit is a reason of its own.
func ended(ctx context.Context) error {
	if limit, ok := context.Cause(ctx).(*LimitError); ok {
		return limit
	}
	return ctx.Err()
}
