package listen

import (
	"net"
	"slices"
	"sync"
)

// bounded is a listener whose connections never are more than a limit: the
// oldest makes room for the new one. A CA needs milliseconds, and whoever holds
// a connection longer is not one.
type bounded struct {
	net.Listener
	limit int

	mu   sync.Mutex // guards open
	open []*conn    // oldest first
}

func bound(l net.Listener, limit int) net.Listener { return &bounded{Listener: l, limit: limit} }

// conn is a connection that says when it is closed.
type conn struct {
	net.Conn
	listener *bounded
}

// Accept implements net.Listener.
func (b *bounded) Accept() (net.Conn, error) {
	nc, err := b.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{nc, b}
	if oldest := b.enter(c); oldest != nil {
		_ = oldest.Conn.Close()
	}
	return c, nil
}

// enter counts a connection, and returns the one that has to go for it.
func (b *bounded) enter(c *conn) (oldest *conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.open) == b.limit {
		oldest = b.open[0]
		b.open = b.open[1:]
	}
	b.open = append(b.open, c)
	return oldest
}

// Close implements net.Conn.
func (c *conn) Close() error {
	b := c.listener
	b.mu.Lock()
	b.open = slices.DeleteFunc(b.open, func(other *conn) bool { return other == c })
	b.mu.Unlock()
	return c.Conn.Close()
}
