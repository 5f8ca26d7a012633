package authority

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
)

// Query is a query that a server got, whether it answered or not.
type Query struct {
	Time   time.Time
	Server string     // host name
	From   netip.Addr // the recursor's address for its queries
	TCP    bool
	Name   string // as it was spelled
	Type   string
	RD     bool   // recursion desired
	Rcode  string // "" if there was no answer
}

// String returns a line that begins with the server's name.
func (q Query) String() string {
	return fmt.Sprintf("%s %s %s tcp=%t rd=%t %s", q.Server, q.Name, q.Type, q.TCP, q.RD, q.Rcode)
}

// Update is an update that a server got, whether it did it or not.
type Update struct {
	Time    time.Time
	Server  string // host name
	From    netip.Addr
	TCP     bool
	Zone    string   // of the zone section, in lower case
	Key     string   // of the signature, without the final dot; "" without one
	Added   []string // records asked to be added, in presentation format
	Removed []string // records asked to be removed; "name TYPE" for sets and "name ANY" for names
	Rcode   string   // with the TSIG error where there was one: "NOTAUTH BADKEY"
}

// String returns a line that begins with the server's name.
func (u Update) String() string {
	return fmt.Sprintf("%s zone %s key %s +%q -%q %s", u.Server, u.Zone, u.Key, u.Added, u.Removed, u.Rcode)
}

// Queries returns the queries that all servers got, oldest first. The log
// keeps the newest few ten thousand.
func (w *World) Queries() []Query {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.queries)
}

// Updates returns the updates that all servers got, oldest first.
func (w *World) Updates() []Update {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.updates)
}

// Queries returns the queries that this server got, oldest first.
func (s *Server) Queries() []Query {
	return slices.DeleteFunc(s.world.Queries(), func(q Query) bool { return q.Server != s.name })
}

// Updates returns the updates that this server got, oldest first.
func (s *Server) Updates() []Update {
	return slices.DeleteFunc(s.world.Updates(), func(u Update) bool { return u.Server != s.name })
}

// maxLog bounds the log of a world that runs for days.
const maxLog = 1 << 16

// logged appends to a log and drops its older half when it is full.
func logged[E any](log []E, e E) []E {
	if len(log) == maxLog {
		log = slices.Delete(log, 0, maxLog/2)
	}
	return append(log, e)
}

// log records a message and the answer m, nil for none.
func (s *Server) log(q, m *dns.Msg, c call, now time.Time) {
	if q.Opcode == dns.OpcodeUpdate {
		s.world.updates = logged(s.world.updates, s.logUpdate(q, m, c, now))
		return
	}
	if len(q.Question) != 1 {
		return
	}
	e := Query{Time: now, Server: s.name, From: c.from, TCP: c.tcp, Name: q.Question[0].Name,
		Type: dns.TypeToString[q.Question[0].Qtype], RD: q.RecursionDesired}
	if m != nil {
		e.Rcode = dns.RcodeToString[m.Rcode]
	}
	s.world.queries = logged(s.world.queries, e)
}

func (s *Server) logUpdate(q, m *dns.Msg, c call, now time.Time) Update {
	u := Update{Time: now, Server: s.name, From: c.from, TCP: c.tcp}
	if len(q.Question) > 0 {
		u.Zone = dns.CanonicalName(q.Question[0].Name)
	}
	if t := q.IsTsig(); t != nil {
		u.Key = keyLabel(t.Hdr.Name)
	}
	for _, rr := range q.Ns {
		switch h := rr.Header(); h.Class {
		case dns.ClassANY:
			u.Removed = append(u.Removed, h.Name+" "+dns.TypeToString[h.Rrtype])
		case dns.ClassNONE:
			rr = dns.Copy(rr)
			rr.Header().Class = dns.ClassINET
			u.Removed = append(u.Removed, present(rr))
		default:
			u.Added = append(u.Added, present(rr))
		}
	}
	if m != nil {
		u.Rcode = dns.RcodeToString[m.Rcode]
		if t := m.IsTsig(); t != nil && t.Error != 0 {
			u.Rcode += " " + dns.RcodeToString[int(t.Error)]
		}
	}
	return u
}
