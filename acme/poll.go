package acme

import (
	"context"
	"fmt"
	"time"
)

const (
	firstLook = 50 * time.Millisecond
	longest   = 3 * time.Second  // between looks, if the CA does not say
	patience  = 10 * time.Minute // with a CA that works on something
)

// poll paces the looks at something that the CA works on: the first soon, the
// next ever less often, and not before the time that the CA has named.
type poll struct {
	started time.Time
	looks   int
	pause   time.Duration
}

func newPoll() *poll { return &poll{started: time.Now(), pause: firstLook} }

// wait returns when it is time to look. retryAfter is what the CA said at the
// last look; the first does not heed it, as Retry-After is mostly a constant and
// the work is mostly done long before.
func (p *poll) wait(ctx context.Context, retryAfter time.Time) error {
	pause := p.pause
	if p.looks > 0 {
		pause = max(pause, time.Until(retryAfter))
	}
	if left := patience - time.Since(p.started); pause > left {
		return p.giveUp(retryAfter)
	}
	p.looks++
	p.pause = min(p.pause*4/3, longest).Truncate(time.Millisecond)
	return sleep(ctx, pause)
}

func (p *poll) giveUp(retryAfter time.Time) error {
	if time.Until(retryAfter) > 0 {
		return fmt.Errorf("the CA is not done yet (come back %s)", when(retryAfter))
	}
	return fmt.Errorf("the CA is not done after %s", time.Since(p.started).Round(10*time.Second))
}
