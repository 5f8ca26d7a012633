package nameserver

import (
	"context"
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// Updater takes updates.
type Updater interface {
	// Update carries out an update and returns the answer's response code, and
	// for the sender and the log why it is not NOERROR. It returns when the
	// change is on the disk.
	Update(ctx context.Context, u Update) (rcode int, why string)
}

// Update is an UPDATE message (RFC 2136) whose zone section names a zone of the
// server and whose signature, if there is one, is good.
type Update struct {
	Zone delegation.Name
	Msg  *dns.Msg        // Answer: prerequisites, Ns: changes
	Key  delegation.Name // that signed it; "" without a signature
	From netip.AddrPort
	TCP  bool
}

// Observer is told of queries.
type Observer interface {
	// Observe is told of a query when its answer has been sent. It is called from
	// many goroutines at the same time and must not wait for anything.
	Observe(q Query)
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
