package hosted

import (
	"context"
	"sync"
	"time"
)

// Pending is changes that a service has taken, and of which it is not known
// whether all of its name servers have them.
type Pending struct {
	mu  sync.Mutex
	ids []string
}

// Add adds a change.
func (p *Pending) Add(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ids = append(p.ids, id)
}

// Await asks about all changes until each has ended: after a first pause, and then
// after longer ones, up to the longest. An error of ended ends it.
func (p *Pending) Await(ctx context.Context, first, longest time.Duration, ended func(ctx context.Context, id string) (bool, error)) error {
	p.mu.Lock()
	ids := p.ids
	p.ids = nil
	p.mu.Unlock()
	for _, id := range ids {
		for pause := first; ; pause = min(2*pause, longest) {
			done, err := ended(ctx, id)
			if err != nil {
				return err
			}
			if done {
				break
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}
