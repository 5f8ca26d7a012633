package dns01

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Busy says that a service takes no more requests for a while, and that it is
// asked again after that.
type Busy struct {
	Server string
	Status int // of its answer
	Pause  time.Duration
}

// String says so to people.
func (b Busy) String() string {
	return fmt.Sprintf("%s is too busy (%d %s): it is asked again in %v", b.Server, b.Status, http.StatusText(b.Status), b.Pause.Round(time.Second))
}

type busyKey struct{}

// WithBusy returns a context in which tell hears of services that make a
// Provider wait. Several may at a time.
func WithBusy(ctx context.Context, tell func(Busy)) context.Context {
	return context.WithValue(ctx, busyKey{}, tell)
}

// TellBusy is called by a Provider before it waits.
func TellBusy(ctx context.Context, b Busy) {
	if tell, ok := ctx.Value(busyKey{}).(func(Busy)); ok {
		tell(b)
	}
}
