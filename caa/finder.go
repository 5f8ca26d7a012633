package caa

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// Set is the record set that binds a CA for a name.
type Set struct {
	Name    delegation.Name // the name itself or one above it; "" when no name on the way has records
	Owner   delegation.Name // where aliases lead from there
	Records []Record        // of the first server that has any
	Answers []Answer        // of every server of every name on the way
}

// Answer is what one server said about one name.
type Answer struct {
	Name    delegation.Name // asked for
	Server  delegation.Name
	Addr    netip.AddrPort
	Records []Record          // none: NODATA or NXDOMAIN, or Err
	Err     *delegation.Error // why it says nothing about CAA records, or nil
}

// Finder finds sets. It remembers what it learned of each name, and is safe for
// concurrent use.
type Finder struct {
	Resolver *delegation.Resolver // finds who is to be asked
	Client   *delegation.Client

	mu     sync.Mutex
	levels map[delegation.Name]*level
}

// level is one name on the way up.
type level struct {
	once    sync.Once
	owner   delegation.Name
	steps   []delegation.Step
	answers []Answer
	err     error
}

// Find climbs from a name, without its wildcard label, until one has records
// (RFC 8659 §3). NODATA and NXDOMAIN climb; anything else than these from every
// server is an error, a *delegation.ServersError if they were found.
func (f *Finder) Find(ctx context.Context, name delegation.Name) (*Set, error) {
	set := &Set{}
	var steps []delegation.Step
	for ; name != "."; name = name.Parent() {
		l := f.level(ctx, name, steps)
		set.Answers = append(set.Answers, l.answers...)
		steps = append(steps, l.steps...)
		if l.err != nil {
			return set, l.err
		}
		for _, a := range l.answers {
			if len(a.Records) > 0 {
				set.Name, set.Owner, set.Records = name, l.owner, a.Records
				return set, nil
			}
		}
	}
	return set, nil
}

// level looks at one name. A top-level domain's answer is taken from the server
// that was on the way down: to find all of them would cost more than all else.
func (f *Finder) level(ctx context.Context, name delegation.Name, steps []delegation.Step) *level {
	l := f.remember(name)
	l.once.Do(func() {
		if t := onTheWay(name, steps); t != nil {
			if l.look(ctx, f.Client, t); l.err == nil {
				return
			}
			l.answers, l.err = nil, nil
		}
		t, err := f.Resolver.Resolve(ctx, name, delegation.Follow{})
		if err != nil {
			l.err = fmt.Errorf("CAA of %s: %w", name, err)
			return
		}
		l.look(ctx, f.Client, t)
	})
	return l
}

func (f *Finder) remember(name delegation.Name) *level {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.levels == nil {
		f.levels = make(map[delegation.Name]*level)
	}
	l := f.levels[name]
	if l == nil {
		l = new(level)
		f.levels[name] = l
	}
	return l
}

// onTheWay returns a top-level domain with the one server that has delegated
// something below it.
func onTheWay(name delegation.Name, steps []delegation.Step) *delegation.Target {
	for _, s := range steps {
		if name.Labels() == 1 && s.Kind == delegation.Cut && s.From == name && s.Server.IsValid() {
			one := delegation.Server{Name: name, Addrs: []netip.AddrPort{s.Server}}
			return &delegation.Target{Owner: name, Zone: name, Servers: []delegation.Server{one}}
		}
	}
	return nil
}

// look asks every server of the place where a name leads.
func (l *level) look(ctx context.Context, client *delegation.Client, t *delegation.Target) {
	l.owner, l.steps = t.Owner, t.Steps
	for _, s := range t.Servers {
		for _, a := range s.Addrs {
			l.answers = append(l.answers, Answer{Name: t.Owner, Server: s.Name, Addr: a})
		}
	}
	var wg sync.WaitGroup
	for i := range l.answers {
		wg.Go(func() { l.answers[i].ask(ctx, client) })
	}
	wg.Wait()
	for _, a := range l.answers {
		if a.Err == nil {
			return
		}
	}
	if l.err = context.Cause(ctx); l.err == nil {
		l.err = l.unanswered(t)
	}
}

// unanswered is the error about a name of which no server could say whether
// there are records. A CA must not issue then (RFC 8659 §3).
func (l *level) unanswered(t *delegation.Target) error {
	e := &delegation.ServersError{Zone: t.Zone, Type: dns.TypeCAA, Name: t.Owner}
	for _, a := range l.answers {
		e.Errs = append(e.Errs, a.Err)
	}
	return e
}

// ask puts the question to one server. Only NOERROR and NXDOMAIN are answers.
func (a *Answer) ask(ctx context.Context, client *delegation.Client) {
	m, err := client.Ask(ctx, a.Addr, a.Name, dns.TypeCAA, false)
	failed := &delegation.Error{Type: dns.TypeCAA, Name: a.Name, Host: a.Server, Server: a.Addr}
	switch {
	case err != nil:
		failed.Err = err
		if e, ok := errors.AsType[*delegation.Error](err); ok {
			failed.Err = e.Err
		}
	case m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError:
		failed.Rcode = m.Rcode
	case !m.Authoritative:
		failed.Lame = true
	default:
		a.Records = records(m, a.Name)
		return
	}
	a.Err = failed
}

// records returns the CAA records at a name.
func records(m *dns.Msg, name delegation.Name) []Record {
	var rs []Record
	for _, rr := range m.Answer {
		if c, ok := rr.(*dns.CAA); ok && strings.EqualFold(c.Hdr.Name, name.String()) {
			rs = append(rs, Record{Flags: c.Flag, Tag: c.Tag, Value: c.Value})
		}
	}
	return rs
}
