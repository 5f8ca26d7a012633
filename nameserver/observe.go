package nameserver

import (
	"context"
	"net/netip"
	"time"

	"certctl/delegation"
)

// Updater takes UPDATE messages (RFC 2136).
type Updater interface {
	// Update carries out a message and returns the answer, nil for none. It looks
	// at the signature itself, and returns when the change is on the disk.
	Update(ctx context.Context, packet []byte, from netip.Addr, tcp bool) []byte
}

// Observer is told of queries.
type Observer interface {
	// Observe is told of queries when their answers have been sent. It is called
	// from many goroutines at the same time and must not wait for anything. The
	// list is good until it returns.
	Observe(list ...Query)
}

// Query is a query and what came of it.
type Query struct {
	Time   time.Time
	From   netip.AddrPort
	TCP    bool
	Zone   delegation.Name // "" outside our zones
	Name   delegation.Name
	Type   uint16
	Rcode  int
	Values int // how many TXT records the answer has
}

// observe tells of queries.
func (s *Server) observe(list ...Query) {
	if o := s.hosting.Load().config.Observer; o != nil && len(list) > 0 {
		o.Observe(list...)
	}
}
