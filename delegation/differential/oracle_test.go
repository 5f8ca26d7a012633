package differential

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/lab/authority"
)

// served is a world that two can be asked about: our Resolver, and a referee,
// a recursive resolver that looks for the record as a CA does.
type served struct {
	world    *world
	zones    map[delegation.Name]*authority.Zone
	resolver *delegation.Resolver
	referee  *referee
	values   int // of records published so far
}

// referee is a recursive resolver without a cache, or almost.
type referee struct {
	addr     netip.AddrPort
	exchange delegation.Exchanger
	memory   memory

	asked  time.Time       // when it answered last
	failed delegation.Name // "" if that was no SERVFAIL
}

// memory is what a referee keeps in spite of TTLs of 0.
type memory struct {
	answers  time.Duration // until this unit of time is over
	failures time.Duration // for so long
}

// disagreement is a name about which the two do not agree.
type disagreement struct {
	name delegation.Name
	kind kind
	text string
}

type kind string

// The kinds of disagreements.
const (
	nowhere     kind = "the zone of the target does not exist"
	unseen      kind = "a record at the target is not found"
	found       kind = "an error, but a record at the end of the aliases is found"
	unexplained kind = "an error that does not say what a server did"
	noRemedy    kind = "an error, and the same with its remedy"
)

func (d disagreement) String() string {
	return fmt.Sprintf("%s: %s\n%s", d.name, d.kind, d.text)
}

func (d disagreement) isAmong(others []disagreement) bool {
	return slices.ContainsFunc(others, func(o disagreement) bool { return o.name == d.name && o.kind == d.kind })
}

// judge compares all names of a world.
func (s *served) judge(ctx context.Context) []disagreement {
	var all []disagreement
	for _, name := range s.world.names {
		k, text := s.judgeName(ctx, name)
		if k != "" {
			all = append(all, disagreement{name, k, text})
		}
	}
	return all
}

// judgeName puts a record where the resolver says that it belongs, and has the
// referee look for it. Nothing is left behind.
func (s *served) judgeName(ctx context.Context, name delegation.Name) (kind, string) {
	target, err := s.resolver.Resolve(ctx, name, delegation.Follow{})
	if err == nil {
		return s.judgePlaces(ctx, name, target)
	}
	if !explains(err) {
		return unexplained, err.Error()
	}
	if k, text := s.judgeError(ctx, name); k != "" {
		return k, fmt.Sprintf("got %v\n%s", err, text)
	}
	if wildcard := new(delegation.WildcardError); errors.As(err, &wildcard) {
		return s.judgeRemedy(ctx, name, wildcard.Name)
	}
	return "", ""
}

// judgePlaces has the referee look for a record at the place of a target, and
// for one that ends the work of a wildcard.
func (s *served) judgePlaces(ctx context.Context, name delegation.Name, t *delegation.Target) (kind, string) {
	for ; t != nil; t = t.Explicit {
		zone := s.zones[t.Zone]
		if zone == nil {
			return nowhere, fmt.Sprintf("got %s in %s", t.Owner, t.Zone)
		}
		if seen, m := s.isSeen(ctx, name, t.Owner, zone); !seen {
			return unseen, fmt.Sprintf("got %s in %s (%s)\nreferee: %s", t.Owner, t.Zone, strings.Join(t.Warnings, "; "), brief(m))
		}
	}
	return "", ""
}

// judgeError has the referee look for a record at the end of the aliases that
// it sees itself, unless it fails as well.
func (s *served) judgeError(ctx context.Context, name delegation.Name) (kind, string) {
	m := s.referee.ask(ctx, name)
	if m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError {
		return "", ""
	}
	owner := end(m, name)
	if seen, m := s.isSeen(ctx, name, owner, s.zonesAbove(owner)...); seen {
		return found, "referee: " + brief(m)
	}
	return "", ""
}

// judgeRemedy does what the hint about a wildcard that leads nowhere says.
func (s *served) judgeRemedy(ctx context.Context, name, explicit delegation.Name) (kind, string) {
	t, err := s.resolver.Resolve(ctx, name, delegation.Follow{Owner: explicit})
	if err != nil {
		return noRemedy, err.Error()
	}
	return s.judgePlaces(ctx, name, t)
}

// explains reports whether an error says what is wrong with the world.
func explains(err error) bool {
	var servers *delegation.ServersError
	var alias *delegation.AliasError
	return errors.As(err, &servers) || errors.As(err, &alias) || strings.Contains(err.Error(), "no name server of zone")
}

// zonesAbove returns all zones that a name may be in. Records in those that
// it is not in do no harm: nobody sees them.
func (s *served) zonesAbove(name delegation.Name) []*authority.Zone {
	var zones []*authority.Zone
	for _, apex := range slices.Sorted(maps.Keys(s.zones)) {
		if name.IsAtOrBelow(apex) {
			zones = append(zones, s.zones[apex])
		}
	}
	return zones
}

// isSeen reports whether the referee, asked for name, finds a record at owner,
// which is there for that time only.
func (s *served) isSeen(ctx context.Context, name, owner delegation.Name, zones ...*authority.Zone) (bool, *dns.Msg) {
	s.values++
	value := fmt.Sprintf("value%d", s.values)
	for _, z := range zones {
		record := fmt.Sprintf("%s TXT %s", owner, value)
		z.Add(record)
		defer z.Remove(record)
	}
	m := s.referee.ask(ctx, name)
	return m.Rcode == dns.RcodeSuccess && slices.ContainsFunc(m.Answer, func(rr dns.RR) bool {
		txt, ok := rr.(*dns.TXT)
		return ok && slices.Equal(txt.Txt, []string{value})
	}), m
}

// attempts is how often a question is put to a referee that does not answer, as
// Let's Encrypt does.
const attempts = 3

// ask asks for TXT records, when what was asked before is forgotten. A referee
// that cannot say in time is one that a CA does not hear from.
func (r *referee) ask(ctx context.Context, name delegation.Name) *dns.Msg {
	r.forget(name)
	q := new(dns.Msg).SetQuestion(name.String(), dns.TypeTXT)
	q.SetEdns0(1232, false)
	m := new(dns.Msg).SetRcode(q, dns.RcodeServerFailure)
	for range attempts {
		if answer, _, err := r.exchange.ExchangeContext(ctx, q, r.addr.String()); err == nil {
			m = answer
			break
		}
	}
	r.asked, r.failed = time.Now(), ""
	if m.Rcode == dns.RcodeServerFailure {
		r.failed = name
	}
	return m
}

// forget waits for the referee to forget.
func (r *referee) forget(name delegation.Name) {
	until := r.asked
	if r.memory.answers > 0 {
		until = r.asked.Truncate(r.memory.answers).Add(r.memory.answers)
	}
	if name == r.failed {
		until = until.Add(r.memory.failures)
	}
	time.Sleep(time.Until(until))
}

// end returns the name to which the aliases in an answer lead.
func end(m *dns.Msg, name delegation.Name) delegation.Name {
	for _, rr := range m.Answer {
		if c, ok := rr.(*dns.CNAME); ok && strings.EqualFold(c.Hdr.Name, name.String()) {
			name = delegation.Name(strings.ToLower(c.Target))
		}
	}
	return name
}

// brief writes an answer in a few lines.
func brief(m *dns.Msg) string {
	text := dns.RcodeToString[m.Rcode]
	if opt := m.IsEdns0(); opt != nil {
		for _, o := range opt.Option {
			text += " " + o.String()
		}
	}
	for _, rr := range m.Answer {
		text += "\n\t" + strings.Join(strings.Fields(rr.String()), " ")
	}
	return text
}
