package authority

import (
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Fault is what is wrong with a server. The zero Fault is an honest server.
type Fault struct {
	Dead       bool                      // takes messages and never answers, over UDP and TCP
	NoUDP      bool                      // never answers over UDP
	NoTCP      bool                      // closes TCP connections without an answer
	Delay      time.Duration             // answers this much later
	Refuse     bool                      // answers every query with REFUSED: lame
	NoAA       bool                      // answers without authority: lame in the quiet way
	Servfail   int                       // answers this many queries with SERVFAIL; below zero: all
	Truncate   bool                      // answers over UDP are always truncated
	LowerCase  bool                      // the question comes back in lower case
	CaseBlind  bool                      // names with upper-case letters do not exist (NXDOMAIN)
	Lies       string                    // records in master-file format, absolute names: the answer to queries for their names and types
	Lie        func(q *dns.Msg) *dns.Msg // sent instead of the truth unless nil; must not use the world
	NoUpdates  bool                      // refuses every update
	Swallow    bool                      // answers updates with NOERROR and forgets them, as PowerDNS with a Lua policy does
	ClockAhead time.Duration             // the clock with which signatures are checked
}

// Fault makes the server faulty, or honest again, from now on.
func (s *Server) Fault(f Fault) *Server {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	parse(".", f.Lies)
	s.fault = f
	return s
}

// spoil returns the answer of a server that does not even try; nil if it does.
func (f *Fault) spoil(q *dns.Msg) *dns.Msg {
	if q.Opcode != dns.OpcodeQuery || len(q.Question) != 1 {
		return nil
	}
	m := new(dns.Msg).SetReply(q)
	switch {
	case f.Servfail != 0:
		f.Servfail = max(f.Servfail-1, -1)
		return m.SetRcode(q, dns.RcodeServerFailure)
	case f.Refuse:
		return m.SetRcode(q, dns.RcodeRefused)
	case f.CaseBlind && isMixedCase(q.Question[0].Name):
		m.Authoritative = true
		return m.SetRcode(q, dns.RcodeNameError)
	case f.Lie != nil:
		if m := f.Lie(q); m != nil {
			return m
		}
	}
	return f.lie(m)
}

// lie fills in m from the records of Lies; nil if they say nothing about it.
func (f *Fault) lie(m *dns.Msg) *dns.Msg {
	for _, rr := range parse(".", f.Lies) {
		h, q := rr.Header(), m.Question[0]
		if strings.EqualFold(h.Name, q.Name) && (h.Rrtype == q.Qtype || h.Rrtype == dns.TypeCNAME) {
			h.Name = q.Name
			m.Answer = append(m.Answer, rr)
		}
	}
	if m.Answer == nil {
		return nil
	}
	m.Authoritative = true
	return m
}

// distort spoils an honest answer.
func (f *Fault) distort(m *dns.Msg, c call) {
	if m.Opcode != dns.OpcodeQuery {
		return
	}
	if f.NoAA {
		m.Authoritative = false
	}
	if f.Truncate && !c.tcp {
		truncate(m)
	}
	if f.LowerCase && len(m.Question) == 1 {
		name := m.Question[0].Name
		m.Question[0].Name = strings.ToLower(name)
		for _, rr := range m.Answer {
			if rr.Header().Name == name {
				rr.Header().Name = strings.ToLower(name)
			}
		}
	}
}
