package rfc2136

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// A server may do an update a moment after it answered. It is looked at again
// after pauses that double, for this long in all.
const (
	firstLook = 20 * time.Millisecond
	patience  = 2 * time.Second
)

// holding is what the server says that it has at an owner.
type holding struct {
	values []string
	ttl    uint32
	alias  string          // the owner is an alias for this name
	zone   delegation.Name // the owner is in this zone, which is below ours; or ""
	rcode  int
	served bool // with authority
}

// look asks the server about every owner once, side by side.
func (s *session) look(ctx context.Context, rrs []*dns.TXT) (map[string]holding, error) {
	holdings := make(map[string]holding)
	var questions []*dns.Msg
	for _, rr := range rrs {
		owner := rr.Hdr.Name
		if _, ok := holdings[owner]; ok {
			continue
		}
		holdings[owner] = holding{}
		questions = append(questions, question(owner, dns.TypeTXT))
	}
	answers, err := s.query(ctx, questions)
	if err != nil {
		return nil, err
	}
	for i, m := range answers {
		owner := questions[i].Question[0].Name
		holdings[owner] = s.read(m, owner)
	}
	return holdings, nil
}

// query asks with a signature, because the key may decide which view of a zone
// the server shows (BIND), and without one where that is refused: Knot lets
// nobody ask with a key about a zone that the key has no rights in.
func (s *session) query(ctx context.Context, questions []*dns.Msg) ([]*dns.Msg, error) {
	answers, err := s.ask(ctx, s.key, questions)
	if err != nil {
		return nil, err
	}
	var again []*dns.Msg
	var indices []int
	for i, m := range answers {
		if m.Rcode == dns.RcodeNotAuth || m.Rcode == dns.RcodeRefused {
			again, indices = append(again, questions[i]), append(indices, i)
		}
	}
	if again == nil {
		return answers, nil
	}
	unsigned, err := s.ask(ctx, nil, again)
	for i, m := range unsigned {
		answers[indices[i]] = m
	}
	return answers, err
}

func question(owner string, qtype uint16) *dns.Msg {
	m := new(dns.Msg).SetQuestion(owner, qtype)
	m.RecursionDesired = false
	return m
}

// read takes from an answer what it says about an owner. The zone shows in the
// SOA record of a negative answer or in the NS records of a referral.
func (s *session) read(m *dns.Msg, owner string) holding {
	h := holding{rcode: m.Rcode, served: m.Authoritative}
	for _, rr := range m.Answer {
		if !strings.EqualFold(rr.Header().Name, owner) {
			continue
		}
		switch rr := rr.(type) {
		case *dns.TXT:
			h.values, h.ttl = append(h.values, text(rr)), rr.Hdr.Ttl
		case *dns.CNAME:
			h.alias = dns.CanonicalName(rr.Target)
		}
	}
	if h.values == nil && h.alias == "" {
		h.zone = s.lower(slices.Concat(m.Answer, m.Ns), owner)
	}
	return h
}

// lower returns the apex of a zone below ours that the owner is in, as SOA or
// NS records show it, or "".
func (s *session) lower(rrs []dns.RR, owner string) delegation.Name {
	for _, rr := range rrs {
		apex := delegation.Name(dns.CanonicalName(rr.Header().Name))
		t := rr.Header().Rrtype
		if (t == dns.TypeSOA || t == dns.TypeNS) && apex != s.zone && apex.IsAtOrBelow(s.zone) && delegation.Name(owner).IsAtOrBelow(apex) {
			return apex
		}
	}
	return ""
}

// verified returns nil when all records are at the server, or gone from it. It
// leaves out owners about which the server refuses to answer: a primary that
// nobody may query. What its secondaries serve is looked at later anyway.
func (s *session) verified(ctx context.Context, rrs []*dns.TXT, present bool) error {
	began := time.Now()
	for pause := firstLook; ; pause *= 2 {
		holdings, err := s.look(ctx, rrs)
		if err != nil {
			return err
		}
		rrs = slices.DeleteFunc(slices.Clone(rrs), func(rr *dns.TXT) bool {
			h := holdings[rr.Hdr.Name]
			return h.rcode == dns.RcodeRefused || slices.Contains(h.values, text(rr)) == present && h.conclusive()
		})
		if len(rrs) == 0 {
			return nil
		}
		if time.Since(began)+pause > patience {
			return s.explain(ctx, rrs, holdings, present)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// absent reports whether the server says, with authority, that it has none of
// the records.
func (s *session) absent(ctx context.Context, rrs []*dns.TXT) bool {
	holdings, err := s.look(ctx, rrs)
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(rrs, func(rr *dns.TXT) bool {
		h := holdings[rr.Hdr.Name]
		return !h.conclusive() || !h.served || slices.Contains(h.values, text(rr))
	})
}

// conclusive reports whether the server has said what it has.
func (h holding) conclusive() bool {
	return h.rcode == dns.RcodeSuccess || h.rcode == dns.RcodeNameError
}

// maxExplained keeps an error readable when all of a hundred records failed in
// the same way.
const maxExplained = 10

// explain returns the errors about records that are not as they should be.
func (s *session) explain(ctx context.Context, rrs []*dns.TXT, holdings map[string]holding, present bool) error {
	var errs []error
	for i, rr := range rrs {
		if i == maxExplained {
			errs = append(errs, fmt.Errorf("and %d records more", len(rrs)-i))
			break
		}
		h := holdings[rr.Hdr.Name]
		if !present {
			errs = append(errs, &RemainsError{Server: s.addr, Zone: s.zone, Owner: delegation.Name(rr.Hdr.Name)})
			continue
		}
		e := s.swallowed(rr, h.zone)
		e.Alias, e.Answer = h.alias, h.words()
		if e.Alias == "" && e.Cut == "" {
			e.Cut = s.cut(ctx, rr.Hdr.Name)
		}
		errs = append(errs, e)
	}
	return errors.Join(errs...)
}

// cut asks for the zone that an owner is in, where the answer to the question
// for TXT did not show it. It returns "" if it is ours, or nothing is said.
func (s *session) cut(ctx context.Context, owner string) delegation.Name {
	answers, err := s.query(ctx, []*dns.Msg{question(owner, dns.TypeSOA)})
	if err != nil {
		return ""
	}
	return s.lower(slices.Concat(answers[0].Answer, answers[0].Ns), owner)
}

// swallowed returns the error about a record, in a zone below ours or not ("").
func (s *session) swallowed(rr *dns.TXT, zone delegation.Name) *SwallowedError {
	return &SwallowedError{Server: s.addr, Zone: s.zone, Owner: delegation.Name(rr.Hdr.Name), Cut: zone}
}

func (h holding) words() string {
	switch {
	case !h.conclusive():
		return rcode(h.rcode)
	case !h.served:
		return "without authority"
	case h.rcode == dns.RcodeNameError:
		return rcode(h.rcode)
	case len(h.values) > 0:
		return fmt.Sprintf("other TXT records only (%d)", len(h.values))
	}
	return "no TXT record"
}
