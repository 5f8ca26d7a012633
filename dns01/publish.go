package dns01

import (
	"context"
	"time"

	"certctl/delegation"
)

// Publication is one value at the place that a grant allows.
type Publication struct {
	Grant
	Value string
}

// Record returns what is published and journaled.
func (p Publication) Record() Record { panic("not yet written") }

// Publish writes all publications: one call for each zone and credential,
// different ones side by side, the same value at the same owner once. The
// errors of all zones are joined.
func Publish(ctx context.Context, ps []Publication) error { panic("not yet written") }

// Observation is what one server said about one owner during a wait.
type Observation struct {
	Zone    delegation.Name
	Owner   delegation.Name
	Server  delegation.Server // with exactly one address
	Elapsed time.Duration     // since the wait began
	Answer  string            // in words: "has the value", "NXDOMAIN", "1 of 2 values", "timeout", …
	Done    bool              // has all values
}

// Wait returns when every authoritative server of every publication's zone
// serves all values, or when the zone's timeout has passed. observe, if not
// nil, is told each time an answer changes; it is called from one goroutine at
// a time. The error is a *PropagationError for each zone that is not ready.
func Wait(ctx context.Context, client *delegation.Client, ps []Publication, observe func(Observation)) error {
	panic("not yet written")
}
