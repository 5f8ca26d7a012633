package rfc2136

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"strings"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/dns01"
)

// Ping implements dns01.Pinger: a signed update without any record changes
// nothing. BIND, Knot and PowerDNS answer NOERROR if they know the key, whatever
// it may write.
func (p *provider) Ping(ctx context.Context, zone delegation.Name, _ []delegation.Name) error {
	s, err := p.start(ctx, zone)
	if err != nil {
		return err
	}
	defer s.close()
	answers, err := s.ask(ctx, s.key, []*dns.Msg{new(dns.Msg).SetUpdate(zone.String())})
	if err != nil {
		return err
	}
	if answers[0].Rcode != dns.RcodeSuccess {
		return s.refusal(ctx, answers[0])
	}
	return nil
}

// ProbeScope implements dns01.ScopeProber. Each trial is the removal of a
// record whose value is random, so that there is none to remove (RFC 2136
// §2.5.4). BIND and Knot look at their policy first and refuse; who has no rule
// about the record answers NOERROR and changes nothing.
func (p *provider) ProbeScope(ctx context.Context, zone, owner delegation.Name) (dns01.Breadth, error) {
	s, err := p.start(ctx, zone)
	if err != nil {
		return dns01.Breadth{}, err
	}
	defer s.close()
	b := dns01.Breadth{Server: s.addr.String(), Unseen: "zones of the server that are not above this one"}
	b.Serial[0] = s.serial(ctx)
	for _, t := range trials(zone, owner) {
		answer, err := s.try(ctx, zone, t)
		if err != nil {
			return b, err
		}
		b.Trials = append(b.Trials, t.judge(answer))
	}
	above, err := s.above(ctx, zone)
	if b.Trials = append(b.Trials, above...); err != nil {
		return b, err
	}
	b.Serial[1] = s.serial(ctx)
	return b, nil
}

// try asks for the removal of a record that does not exist.
func (s *session) try(ctx context.Context, zone delegation.Name, t trial) (*dns.Msg, error) {
	m := new(dns.Msg).SetUpdate(zone.String())
	m.Remove([]dns.RR{t.rr})
	answers, err := s.ask(ctx, s.key, []*dns.Msg{m})
	if err != nil {
		return nil, err
	}
	return answers[0], nil
}

// above tries the zones above a zone, as far as this server has them. Of those
// that it has not it says NOTAUTH (RFC 2136 §3.1.2), or something else that says
// nothing about the key.
func (s *session) above(ctx context.Context, zone delegation.Name) ([]dns01.Trial, error) {
	var found []dns01.Trial
	for z := zone.Parent(); dns.CountLabel(z.String()) > 1; z = z.Parent() {
		t := trial{dns01.OtherZones, absentTXT(below(z))}
		answer, err := s.try(ctx, z, t)
		if err != nil {
			return found, err
		}
		if answer.Rcode == dns.RcodeSuccess || answer.Rcode == dns.RcodeRefused {
			found = append(found, t.judge(answer))
		}
	}
	return found, nil
}

// start makes ready for a conversation about a zone that the scope lies in.
func (p *provider) start(ctx context.Context, zone delegation.Name) (*session, error) {
	if !p.scope.IsAtOrBelow(zone) {
		return nil, &dns01.ScopeError{Label: p.Label(), Scope: p.scope, Zone: zone, Owner: p.scope}
	}
	if err := p.Prepare(ctx); err != nil {
		return nil, err
	}
	return p.open(ctx, zone)
}

// serial returns the serial of the zone's SOA record, or 0.
func (s *session) serial(ctx context.Context) uint32 {
	if soa := s.soa(ctx); soa != nil {
		return soa.Serial
	}
	return 0
}

// soa returns the zone's SOA record, or nil where the server has none.
func (s *session) soa(ctx context.Context) *dns.SOA {
	answers, err := s.query(ctx, []*dns.Msg{question(s.zone.String(), dns.TypeSOA)})
	if err != nil {
		return nil
	}
	for _, rr := range answers[0].Answer {
		if soa, ok := rr.(*dns.SOA); ok {
			return soa
		}
	}
	return nil
}

// trial is a removal of a record that does not exist.
type trial struct {
	reach dns01.Reach
	rr    dns.RR
}

// owner returns the owner without the random part, for people to read.
func (t trial) owner() string {
	name := strings.TrimSuffix(t.rr.Header().Name, ".")
	if rest, found := strings.CutPrefix(name, probeLabel); found {
		_, parent, _ := strings.Cut(rest, ".")
		return probeLabel + "*." + parent
	}
	return name
}

// trials returns what to ask for. Where the owner is the apex, other names are
// names below it.
func trials(zone, owner delegation.Name) []trial {
	all := []trial{{dns01.OtherNames, absentTXT(below(zone))}}
	if owner != zone {
		all = append(all, trial{dns01.TheApex, absentTXT(zone)})
		if _, err := delegation.ParseName(below(owner).String()); err == nil { // not too long
			all = append(all, trial{dns01.NamesBelow, absentTXT(below(owner))})
		}
	}
	return append(all, trial{dns01.OtherTypes, absentAAAA(owner)})
}

// probeLabel begins the labels of names that nobody has.
const probeLabel = "certctl-probe-"

// below returns a name of which there is no second.
func below(n delegation.Name) delegation.Name {
	return delegation.Name(probeLabel + strings.ToLower(rand.Text()) + "." + n.String())
}

func absentTXT(owner delegation.Name) dns.RR { return newTXT(owner, "certctl probe "+rand.Text(), 0) }

// absentAAAA returns an address in the prefix for documentation (RFC 3849) with
// 96 random bits: an A record has too few to be sure that nobody has it.
func absentAAAA(owner delegation.Name) dns.RR {
	ip := make(net.IP, net.IPv6len)
	rand.Read(ip)
	copy(ip, []byte{0x20, 0x01, 0x0d, 0xb8})
	return &dns.AAAA{Hdr: dns.RR_Header{Name: owner.String(), Rrtype: dns.TypeAAAA, Class: dns.ClassINET}, AAAA: ip}
}

// judge reads the answer. The key is known to be good: NOTAUTH with BADKEY is
// what Knot says of a good key that may not do this.
func (t trial) judge(m *dns.Msg) dns01.Trial {
	h := t.rr.Header()
	result := dns01.Trial{
		Reach:    t.reach,
		Question: fmt.Sprintf("removal of an absent %s %s", dns.Type(h.Rrtype), t.owner()),
		Accepted: m.Rcode == dns.RcodeSuccess,
		Refused:  m.Rcode == dns.RcodeRefused || m.Rcode == dns.RcodeNotAuth,
		Answer:   rcode(m.Rcode),
	}
	if sig := m.IsTsig(); sig != nil && sig.Error != 0 {
		result.Answer += " " + tsigError(int(sig.Error))
	}
	return result
}
