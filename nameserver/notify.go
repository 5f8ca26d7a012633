package nameserver

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

const (
	notifyEvery = 250 * time.Millisecond // of many changes in that time secondaries are told once
	notifyTries = 5
	notifyWait  = time.Second // for the first answer; then double that
	notifyMany  = 32          // at the same time
)

// changedZones are the zones that secondaries have to be told of.
type changedZones struct {
	mu    sync.Mutex
	names map[delegation.Name]bool
	more  chan struct{} // has an element when there are names
}

func newChangedZones() *changedZones {
	return &changedZones{names: map[delegation.Name]bool{}, more: make(chan struct{}, 1)}
}

func (c *changedZones) add(names []delegation.Name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range names {
		c.names[name] = true
	}
	select {
	case c.more <- struct{}{}:
	default:
	}
}

func (c *changedZones) take() []delegation.Name {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := sortedNames(c.names)
	clear(c.names)
	return names
}

// notify tells secondaries of changes until the context is done (RFC 1996).
func (s *Server) notify(ctx context.Context) {
	changed := newChangedZones()
	changed.add(s.ownZones())
	stop := s.hosting.Load().config.Values.Watch(changed.add)
	defer stop()
	var tasks sync.WaitGroup
	defer tasks.Wait()
	room := make(chan struct{}, notifyMany)
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed.more:
		}
		for _, name := range changed.take() {
			z, ok := s.hosting.Load().zone(name)
			if !ok || z.apex != name {
				continue
			}
			for _, peer := range z.Secondaries {
				room <- struct{}{}
				tasks.Go(func() {
					s.tell(ctx, z, peer)
					<-room
				})
			}
		}
		pause(ctx, notifyEvery)
	}
}

// ownZones returns the single zones.
func (s *Server) ownZones() []delegation.Name { return sortedNames(s.hosting.Load().zones) }

// tell tells one secondary of a change, until it has understood or it was tried
// often enough.
func (s *Server) tell(ctx context.Context, z zone, peer Peer) {
	if !peer.Addr.IsValid() {
		return
	}
	wait := notifyWait
	for try := range notifyTries {
		if try > 0 {
			pause(ctx, wait)
			wait *= 2
		}
		if ctx.Err() != nil || s.tellOnce(ctx, z, peer) == nil {
			return
		}
	}
	s.log.Warn("a secondary does not answer", "zone", z.apex.Bare(), "server", peer.Addr.String())
}

func (s *Server) tellOnce(ctx context.Context, z zone, peer Peer) error {
	m := new(dns.Msg).SetNotify(string(z.apex))
	m.Answer = []dns.RR{z.soa()}
	keys := s.hosting.Load().keys
	m.SetTsig(string(peer.Key), keys[peer.Key].algorithm, tsigFudge, time.Now().Unix())
	client := dns.Client{Timeout: notifyWait, TsigProvider: keys}
	if at := s.sourceFor(peer); at != nil {
		client.Dialer = &net.Dialer{Timeout: notifyWait, LocalAddr: at}
	}
	_, _, err := client.ExchangeContext(ctx, m, peer.Addr.String())
	return err
}

// sourceFor returns the address to speak to a secondary from, which it knows us
// by: the first one of its family that we listen at.
func (s *Server) sourceFor(peer Peer) *net.UDPAddr {
	for _, addr := range s.Addrs() {
		if a := addr.Addr(); !a.IsUnspecified() && a.Is4() == peer.Addr.Addr().Unmap().Is4() {
			return net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0))
		}
	}
	return nil
}

// notified answers the word of a primary that a zone has changed.
func (h *hosting) notified(s *Server, r request) content {
	if len(r.msg.Question) != 1 || r.msg.Question[0].Qtype != dns.TypeSOA {
		return content{rcode: dns.RcodeFormatError}
	}
	name := delegation.Name(dns.CanonicalName(r.msg.Question[0].Name))
	z, ok := h.zone(name)
	switch {
	case !ok || z.apex != name:
		return content{rcode: dns.RcodeNotAuth}
	case z.Primary == nil || r.key != z.Primary.Key && r.from.Addr() != z.Primary.Addr.Addr():
		return content{rcode: dns.RcodeRefused, zone: name}
	}
	due := name
	if r.key != z.Primary.Key {
		due = z.transferName() // of a family's zones there are as many as anybody can think of
	}
	s.due.add([]delegation.Name{due})
	return content{aa: true, zone: name}
}
