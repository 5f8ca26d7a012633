package delegate

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// Between two rounds of questions there is a pause that gets longer: who adds
// the records is a person, or a colleague's pipeline.
const (
	firstPause   = 250 * time.Millisecond
	longestPause = 15 * time.Second
)

// aside is how many rounds in a row a server must give no usable answer to be
// no longer waited for, as long as another one has the record.
const aside = 3

// Sighting is what one server says about one record of a plan.
type Sighting struct {
	Record Record
	Server delegation.Server // with exactly one address
	Answer string            // in words
	Seen   bool              // the server has it
	Failed bool              // the server gives no usable answer

	failures int // in a row
}

// Watch waits until the records of a plan are there.
type Watch struct {
	Resolver func() *delegation.Resolver // makes a new one for each round: they remember what they saw
	Client   *delegation.Client
	Observe  func(Sighting) // told when an answer changes; nil: nobody is

	plan *Plan

	mu     sync.Mutex
	last   []*Sighting
	silent map[netip.AddrPort]string // what servers that failed in this round said
}

// Wait returns when every authoritative server of the main zones has all
// records of the plan. After that, the challenge names must lead where they
// should. The error is a *PendingError when ctx ends before, and a *StrayError
// when the records are there and lead elsewhere.
func (w *Watch) Wait(ctx context.Context, p *Plan) error {
	w.plan = p
	for pause := firstPause; ; pause = min(pause*3/2, longestPause) {
		resolver := w.Resolver()
		trouble := w.round(ctx, resolver)
		if ctx.Err() == nil && trouble == nil && w.seen() {
			return w.follow(ctx, resolver)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return w.pending(context.Cause(ctx), trouble)
		}
	}
}

// round asks every server for every record once. An error says that the
// servers of a zone are not known.
func (w *Watch) round(ctx context.Context, resolver *delegation.Resolver) error {
	w.silent = make(map[netip.AddrPort]string)
	troubles := make([]error, len(w.plan.Delegations))
	each(len(troubles), func(i int) {
		d := w.plan.Delegations[i]
		at := d.base()
		if w.plan.standing != nil {
			at = d.Owner
		}
		main, err := resolver.Resolve(ctx, at, delegation.Follow{Never: true})
		if err != nil {
			troubles[i] = fmt.Errorf("%s: %w", d.Domain, err)
			return
		}
		w.look(ctx, w.plan.RecordsFor(d), main.Servers)
	})
	for _, err := range troubles {
		if err != nil {
			return err
		}
	}
	return nil
}

// look asks the servers of a main zone for records.
func (w *Watch) look(ctx context.Context, records []Record, servers []delegation.Server) {
	var wg sync.WaitGroup
	for _, server := range servers {
		for _, addr := range server.Addrs {
			one := delegation.Server{Name: server.Name, Addrs: []netip.AddrPort{addr}}
			wg.Go(func() {
				for _, r := range records {
					w.ask(ctx, r, one)
				}
			})
		}
	}
	wg.Wait()
}

// ask asks one server for one record. What failed in this round is not tried
// again: every question to a dead server costs seconds.
func (w *Watch) ask(ctx context.Context, r Record, server delegation.Server) {
	s := Sighting{Record: r, Server: server}
	if s.Answer, s.Failed = w.failed(server.Addrs[0]); !s.Failed {
		m, err := w.Client.Ask(ctx, server.Addrs[0], r.Owner, dns.StringToType[r.Type], false)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.Answer, s.Failed = err.Error(), true
		case m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError:
			s.Answer, s.Failed = dns.RcodeToString[m.Rcode], true
		default:
			s.Answer, s.Seen = judge(m, r)
		}
	}
	w.note(s)
}

func (w *Watch) failed(addr netip.AddrPort) (answer string, failed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	answer, failed = w.silent[addr]
	return answer, failed
}

// judge says whether an answer has a record. NS records of a delegation, and
// their glue, come in the other sections of a referral.
func judge(m *dns.Msg, r Record) (answer string, seen bool) {
	want, err := dns.NewRR(r.String())
	if err != nil {
		return err.Error(), false
	}
	answer = "not there"
	if m.Rcode == dns.RcodeNameError {
		answer = "NXDOMAIN"
	}
	for _, rr := range slices.Concat(m.Answer, m.Ns, m.Extra) {
		same := dns.CanonicalName(rr.Header().Name) == string(r.Owner)
		switch {
		case dns.IsDuplicate(rr, want):
			return "there", true
		case same && (rr.Header().Rrtype == want.Header().Rrtype || rr.Header().Rrtype == dns.TypeCNAME):
			words := strings.Fields(rr.String())
			answer = "something else: " + strings.Join(words[3:], " ")
		}
	}
	return answer, false
}

// note remembers an answer, and tells of one that has changed.
func (w *Watch) note(s Sighting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.last, func(l *Sighting) bool {
		return l.Record == s.Record && l.Server.Addrs[0] == s.Server.Addrs[0]
	})
	changed := i < 0 || w.last[i].Answer != s.Answer
	if i < 0 {
		i = len(w.last)
		w.last = append(w.last, &Sighting{})
	}
	if s.Failed {
		s.failures = w.last[i].failures + 1
		w.silent[s.Server.Addrs[0]] = s.Answer
	}
	*w.last[i] = s
	if changed && w.Observe != nil {
		w.Observe(s)
	}
}

// seen reports whether each record is at all servers that are waited for, and
// at one at least.
func (w *Watch) seen() bool {
	for _, r := range w.plan.Records() {
		there := false
		for _, s := range w.last {
			if s.Record != r {
				continue
			}
			if !s.Seen && !(s.Failed && s.failures >= aside) {
				return false
			}
			there = there || s.Seen
		}
		if !there {
			return false
		}
	}
	return true
}

// pending is the error of a wait that was ended.
func (w *Watch) pending(cause, trouble error) error {
	e := &PendingError{Cause: cause, Trouble: trouble}
	for _, s := range w.last {
		if !s.Seen {
			e.Missing = append(e.Missing, *s)
		}
	}
	return e
}

// follow checks that every challenge name leads to the owner of the plan, in a
// zone that a credential for the plan's scope covers.
func (w *Watch) follow(ctx context.Context, resolver *delegation.Resolver) error {
	if w.plan.standing != nil {
		return nil // nobody writes there
	}
	for _, d := range w.plan.Delegations {
		t, err := resolver.Resolve(ctx, d.Challenge, delegation.Follow{})
		if err != nil {
			return &StrayError{Delegation: d, Err: err}
		}
		d.TargetZone = t.Zone
		scope := d.Challenge
		if w.plan.To != "" {
			scope = w.plan.To
		}
		if t.Owner != d.Owner || !scope.IsAtOrBelow(t.Zone) {
			return &StrayError{Delegation: d, Owner: t.Owner, Zone: t.Zone}
		}
	}
	return nil
}

// PendingError says which records are not there yet.
type PendingError struct {
	Missing []Sighting // the last answers of servers without them
	Trouble error      // the servers of a zone are not known
	Cause   error      // why the wait was ended
}

func (e *PendingError) Error() string {
	if len(e.Missing) == 0 && e.Trouble != nil {
		return "the records are not there yet: " + e.Trouble.Error()
	}
	lines := []string{"the records are not there yet"}
	for _, s := range e.Missing {
		lines = append(lines, fmt.Sprintf("%s (%s): %s %s: %s", s.Server.Name.Bare(), s.Server.Addrs[0], s.Record.Owner.Bare(), s.Record.Type, s.Answer))
	}
	return strings.Join(lines, "\n")
}

func (e *PendingError) Unwrap() error { return e.Cause }

// Hint says how to go on waiting.
func (e *PendingError) Hint() string {
	return "the same command goes on waiting; a longer --timeout waits longer"
}

// StrayError says that a challenge name does not lead where it should, although
// the records are there.
type StrayError struct {
	Delegation  *Delegation
	Owner, Zone delegation.Name // where it leads; "" with Err
	Err         error
}

func (e *StrayError) Error() string {
	d := e.Delegation
	if e.Err != nil {
		return fmt.Sprintf("the records are there, but %s does not lead to %s: %v", d.Challenge.Bare(), d.Owner.Bare(), e.Err)
	}
	return fmt.Sprintf("the records are there, but %s leads to %s in zone %s, not to %s", d.Challenge.Bare(), e.Owner.Bare(), e.Zone.Bare(), d.Owner.Bare())
}

func (e *StrayError) Unwrap() error { return e.Err }
