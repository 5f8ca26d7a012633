package rfc2136

import (
	"context"
	"errors"
	"time"

	"github.com/miekg/dns"

	"certctl/dns01"
)

// maxUpdate is how much of the 64 KiB of a DNS message records may take; the
// rest is for the header, the zone and the signature.
const maxUpdate = 60 << 10

// add adds records and makes sure that they are there.
func (s *session) add(ctx context.Context, rrs []*dns.TXT) error {
	before, err := s.look(ctx, rrs)
	if err != nil {
		return err
	}
	for _, rr := range rrs {
		h := before[rr.Hdr.Name]
		if h.zone != "" {
			return s.swallowed(rr, h.zone)
		}
		if len(h.values) > 0 {
			rr.Hdr.Ttl = h.ttl // another TTL would be given to the whole set (RFC 2181 §5.2)
		}
	}
	err = s.update(ctx, rrs, (*dns.Msg).Insert)
	if no, ok := errors.AsType[*UpdateError](err); ok {
		no.blame(before)
	}
	return s.settle(ctx, rrs, true, err)
}

// remove removes records, value by value (RFC 2136 §2.5.4), and makes sure
// that they are gone. A server that refuses to remove what it does not have,
// because it refused to add it, is right.
func (s *session) remove(ctx context.Context, rrs []*dns.TXT) error {
	err := s.settle(ctx, rrs, false, s.update(ctx, rrs, (*dns.Msg).Remove))
	if _, ok := errors.AsType[*UpdateError](err); ok && s.absent(ctx, rrs) {
		return nil
	}
	return err
}

// update sends the records in as few messages as hold them, one after the
// other.
func (s *session) update(ctx context.Context, rrs []*dns.TXT, put func(*dns.Msg, []dns.RR)) error {
	for len(rrs) > 0 {
		m := new(dns.Msg).SetUpdate(s.zone.String())
		size, n := 0, 0
		var some []dns.RR
		for n < len(rrs) && (n == 0 || size+dns.Len(rrs[n]) <= maxUpdate) {
			size += dns.Len(rrs[n])
			some = append(some, dns.Copy(rrs[n])) // the library writes in what it is given
			n++
		}
		put(m, some)
		rrs = rrs[n:]
		answer, err := s.insist(ctx, m)
		if err != nil {
			return err
		}
		if answer.Rcode != dns.RcodeSuccess {
			return s.refusal(ctx, answer)
		}
	}
	return nil
}

// Pauses before an update is sent again that the server failed to carry out.
const (
	firstPause  = 50 * time.Millisecond
	lastPause   = 800 * time.Millisecond
	pauseGrowth = 4
)

// insist sends an update again for a while where the server says that it has
// failed: one that is busy with its database says so for a moment.
func (s *session) insist(ctx context.Context, m *dns.Msg) (*dns.Msg, error) {
	for pause := firstPause; ; pause *= pauseGrowth {
		answers, err := s.ask(ctx, s.key, []*dns.Msg{m})
		if err != nil || answers[0].Rcode == dns.RcodeSuccess || answers[0].Rcode == dns.RcodeServerFailure {
			dns01.Written(ctx) // or nobody knows
		}
		if err != nil {
			return nil, err
		}
		if answers[0].Rcode != dns.RcodeServerFailure || pause > lastPause {
			return answers[0], nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// settle decides by looking whether an update that ended with err was done.
// The server's own no is final. Without an answer, or with a yes, what the
// server has is what counts.
func (s *session) settle(ctx context.Context, rrs []*dns.TXT, present bool, err error) error {
	var no *UpdateError
	if errors.As(err, &no) {
		return err
	}
	verdict := s.verified(ctx, rrs, present)
	if err != nil && verdict != nil {
		return err
	}
	return verdict
}
