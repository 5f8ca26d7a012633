package delegation

import (
	"context"
	"sync"
)

// memo remembers the results of a function and runs it once a key at a time,
// on the goroutine of the first who asks. Errors are not remembered, but those
// who waited share them.
type memo[K comparable, V any] struct {
	mu    sync.Mutex
	calls map[K]*call[V]
}

type call[V any] struct {
	done      chan struct{}
	value     V
	err       error
	abandoned bool // the context of the one who ran it was done
}

func (m *memo[K, V]) do(ctx context.Context, key K, f func() (V, error)) (V, error) {
	for {
		c, mine := m.join(key)
		if mine {
			c.value, c.err = f()
			c.abandoned = ctx.Err() != nil
			m.leave(key, c)
			return c.value, c.err
		}
		select {
		case <-c.done:
		case <-ctx.Done():
			var none V
			return none, context.Cause(ctx)
		}
		if c.err == nil || !c.abandoned {
			return c.value, c.err
		}
	}
}

func (m *memo[K, V]) join(key K) (c *call[V], mine bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c = m.calls[key]; c != nil {
		return c, false
	}
	if m.calls == nil {
		m.calls = make(map[K]*call[V])
	}
	c = &call[V]{done: make(chan struct{})}
	m.calls[key] = c
	return c, true
}

func (m *memo[K, V]) leave(key K, c *call[V]) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.err != nil {
		delete(m.calls, key)
	}
	close(c.done)
}
