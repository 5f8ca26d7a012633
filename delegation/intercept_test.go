package delegation

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"certctl/lab/authority"
)

// middlebox answers every query on port 53 itself, with what a recursive
// resolver says, whoever it was for.
type middlebox struct {
	world     *bench
	next      Exchanger
	authority bool // it lies about who it is
}

func (m middlebox) ExchangeContext(ctx context.Context, q *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	q = q.Copy()
	q.RecursionDesired = true
	r, rtt, err := m.next.ExchangeContext(ctx, q, m.world.Recursor().Addr().String())
	if err == nil && addr != m.world.Recursor().Addr().String() {
		r.Authoritative = m.authority
	}
	return r, rtt, err
}

// Where something answers in the place of the root servers, it is not believed
// to be them. The recursive resolvers are asked, openly.
func TestIntercepted(t *testing.T) {
	for _, lies := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(cnamed)
			b.resolver.client = &Client{UDP: middlebox{b, b.UDP(), lies}, TCP: middlebox{b, b.TCP(), lies}}
			target := b.resolve(t, challenge)
			resolvers := []netip.AddrPort{b.Recursor().Addr()}
			if target.Owner != "www.example.net." || target.Zone != "example.net." || !target.Proxied || !slices.Equal(target.Resolvers, resolvers) {
				t.Errorf("got %+v, want a target that rests on %v", target, resolvers)
			}
			want := "answered as a recursive resolver does: something on the way answers in its place; 1 more failed): asking @recursor instead"
			if len(b.warned) != 1 || !strings.Contains(b.anonymous(b.warned[0]), want) {
				t.Errorf("got warnings %q, want one like %q", b.warned, want)
			}
		})
	}
}

// Away from the root, servers that offer recursion are common, and fine.
func TestRecursionOffered(t *testing.T) {
	b := newBench(cnamed)
	b.Server("ns1.example.com.").Fault(authority.Fault{Lie: func(q *dns.Msg) *dns.Msg {
		m := says(q, true, inAnswer, string(challenge)+" 60 CNAME www.example.net.")
		m.RecursionAvailable = true
		return m
	}})
	if target := b.resolve(t, challenge); target.Owner != "www.example.net." || target.Proxied || len(b.warned) > 0 {
		t.Errorf("got %+v, warnings %q", target, b.warned)
	}
}
