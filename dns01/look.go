package dns01

import (
	"context"
	"net/netip"
	"sync"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// Sight is what one server has at an owner.
type Sight struct {
	Server delegation.Server // with exactly one address
	Values []string          // of the TXT records; none where there are none
	Answer string            // in words, where it says nothing about them; else ""
}

// Look asks every address of every server of a target, at the same time, for
// the TXT records at the owner. Recursive resolvers are asked where those cannot
// be (Target.Proxied).
func Look(ctx context.Context, client *delegation.Client, t *delegation.Target) ([]Sight, error) {
	var sights []Sight
	for _, s := range witnesses(t) {
		for _, a := range s.Addrs {
			sights = append(sights, Sight{Server: delegation.Server{Name: s.Name, Addrs: []netip.AddrPort{a}}})
		}
	}
	var wg sync.WaitGroup
	for i := range sights {
		wg.Go(func() { sights[i].look(ctx, client, t) })
	}
	wg.Wait()
	return sights, context.Cause(ctx)
}

func (s *Sight) look(ctx context.Context, client *delegation.Client, t *delegation.Target) {
	m, err := client.Ask(ctx, s.Server.Addrs[0], t.Owner, dns.TypeTXT, t.Proxied)
	p := &probe{owner: t.Owner, proxied: t.Proxied}
	if a := judge(m, err, p); a.failed {
		s.Answer = a.words
		return
	}
	s.Values, _ = texts(m, t.Owner)
}
