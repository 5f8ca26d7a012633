package rfc2136

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/dns01"
)

// Askers implements dns01.Audience by a signed question of class CH, which
// certctl nameserver answers to keys that may write at the owner. That nobody
// has asked proves nothing: the server may have others beside or before it.
func (p *provider) Askers(ctx context.Context, zone, owner delegation.Name) ([]dns01.Asker, error) {
	s, err := p.start(ctx, zone)
	if err != nil {
		return nil, err
	}
	defer s.close()
	m := question(owner.String(), dns.TypeTXT)
	m.Question[0].Qclass = dns.ClassCHAOS
	sent := time.Now()
	answers, err := s.ask(ctx, s.key, []*dns.Msg{m})
	if err != nil {
		return nil, err
	}
	now := sent.Add(time.Since(sent) / 2) // when the server answered
	var askers []dns01.Asker
	for _, rr := range answers[0].Answer {
		if a, ok := readAsker(rr, now); ok {
			askers = append(askers, a)
		}
	}
	if len(askers) == 0 {
		return nil, errors.ErrUnsupported
	}
	return askers, nil
}

// readAsker reads a record of the form
//
//	"network=192.0.2.0/24" "queries=3" "empty=1" "ago=1250"
//
// where empty is how many of the queries got no value, and ago is in
// milliseconds.
func readAsker(rr dns.RR, now time.Time) (a dns01.Asker, ok bool) {
	t, ok := rr.(*dns.TXT)
	if !ok || t.Hdr.Class != dns.ClassCHAOS {
		return a, false
	}
	words := make(map[string]string)
	for _, s := range t.Txt {
		key, value, _ := strings.Cut(s, "=")
		words[key] = value
	}
	network, wrong := netip.ParsePrefix(words["network"])
	queries, bad := strconv.Atoi(words["queries"])
	empty, worse := strconv.Atoi(words["empty"])
	ago, worst := strconv.ParseInt(words["ago"], 10, 32)
	if errors.Join(wrong, bad, worse, worst) != nil {
		return a, false
	}
	return dns01.Asker{Network: network, Queries: queries, Served: empty < queries, Last: now.Add(-time.Duration(ago) * time.Millisecond)}, true
}
