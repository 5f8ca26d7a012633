package delegation

import (
	"context"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// Exchanger sends one query to one server and returns its answer, as
// *dns.Client does. It is the one seam for tests.
type Exchanger interface {
	ExchangeContext(ctx context.Context, m *dns.Msg, addr string) (r *dns.Msg, rtt time.Duration, err error)
}

// Client asks single servers: over UDP with an EDNS buffer of 1232 octets and
// mixed-case names (0x20), over TCP when the answer was truncated.
type Client struct {
	UDP, TCP Exchanger     // nil: a *dns.Client for that network
	Timeout  time.Duration // for one attempt; 0: 3 s
	Retries  int           // further attempts over UDP after a timeout; 0: 1
}

// Ask sends one question to one server. The error is an *Error when the server
// gave no usable answer at all (timeout, refused connection, malformed); every
// rcode is an answer.
func (c *Client) Ask(ctx context.Context, server netip.AddrPort, name Name, qtype uint16, recursion bool) (*dns.Msg, error) {
	panic("not yet written")
}
