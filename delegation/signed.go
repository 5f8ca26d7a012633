package delegation

import (
	"context"
	"time"

	"github.com/miekg/dns"
)

// Signed returns a Client like c that asks for signatures as well (DO,
// RFC 3225), and asks resolvers to hand over those that they would reject (CD,
// RFC 4035 §3.2.2).
func (c *Client) Signed() *Client {
	s := *c
	s.UDP, s.TCP = signed{exchanger(c.UDP, "udp")}, signed{exchanger(c.TCP, "tcp")}
	return &s
}

type signed struct{ next Exchanger }

func (s signed) ExchangeContext(ctx context.Context, m *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	m.CheckingDisabled = m.RecursionDesired
	if opt := m.IsEdns0(); opt != nil {
		opt.SetDo()
	}
	return s.next.ExchangeContext(ctx, m, addr)
}
