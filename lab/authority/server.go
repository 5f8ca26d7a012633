package authority

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Never is the lag of a server that never hears of a change.
const Never time.Duration = 1<<63 - 1

// Server is one authoritative server.
type Server struct {
	world *World
	name  string
	want  int          // loopback addresses to be assigned
	fixed []netip.Addr // addresses asked for
	addrs []netip.Addr
	lag   time.Duration
	fault Fault
}

// Name returns the server's host name.
func (s *Server) Name() string { return s.name }

// Lag sets how long after the primary the server sees a change to the zones
// for which it is a secondary; Never for not at all.
func (s *Server) Lag(d time.Duration) *Server {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.lag = d
	return s
}

// Addresses gives the server n loopback addresses instead of one.
func (s *Server) Addresses(n int) *Server {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.want = n
	return s
}

// At gives the server a further address, such as ::1.
func (s *Server) At(a netip.Addr) *Server {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.fixed = append(s.fixed, a)
	return s
}

// Addr returns the first address of the server and the port of the world.
func (s *Server) Addr() netip.AddrPort { return s.Addrs()[0] }

// Addrs returns all addresses of the server, IPv4 first, with the port.
func (s *Server) Addrs() []netip.AddrPort {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	s.world.prepare()
	var addrs []netip.AddrPort
	for _, a := range s.addrs {
		addrs = append(addrs, netip.AddrPortFrom(a, s.world.port))
	}
	slices.SortFunc(addrs, netip.AddrPort.Compare)
	return addrs
}

// serves reports whether the server is one of a zone's servers.
func (s *Server) serves(z *Zone) bool {
	return s == z.primary || slices.Contains(z.servers, s)
}

// host is what listens on an address: a Server or a Recursor.
type host interface {
	answer(ctx context.Context, q *dns.Msg, c call) outcome
}

// call is how a message came.
type call struct {
	from netip.Addr
	tcp  bool
	tsig error // of checking the message's signature
}

// outcome is what a host does about a message.
type outcome struct {
	msg    *dns.Msg // nil: nothing is sent
	after  time.Duration
	hangUp bool // the TCP connection is closed
}

// answer is what the server does about a message, faults and all. It never
// waits.
func (s *Server) answer(_ context.Context, q *dns.Msg, c call) outcome {
	s.world.mu.Lock()
	defer s.world.mu.Unlock()
	now := time.Now()
	if s.fault.Dead || s.fault.NoUDP && !c.tcp {
		s.log(q, nil, c, now)
		return outcome{}
	}
	if s.fault.NoTCP && c.tcp {
		return outcome{hangUp: true}
	}
	m := s.fault.spoil(q)
	if m == nil {
		m = s.honest(q, c)
		s.fault.distort(m, c)
	}
	s.log(q, m, c, now)
	return outcome{msg: m, after: s.fault.Delay}
}

// honest is the answer of a server without faults, except those that concern
// updates.
func (s *Server) honest(q *dns.Msg, c call) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	m.Compress = true
	switch {
	case q.Opcode == dns.OpcodeUpdate:
		s.update(m, q, c)
		return m
	case q.Opcode != dns.OpcodeQuery:
		m.Rcode = dns.RcodeNotImplemented
	case len(q.Question) != 1:
		m.Rcode = dns.RcodeFormatError
	case q.Question[0].Qclass != dns.ClassINET:
		m.Rcode = dns.RcodeRefused
	default:
		s.lookup(m, time.Now())
	}
	fit(m, q, c.tcp)
	return m
}

// bufferSize is the largest UDP message that a server sends, and says it takes.
const bufferSize = 1232

// fit adds the OPT record to the answer to a query that has one (RFC 6891) and
// empties and truncates an answer that is too large for UDP.
func fit(m, q *dns.Msg, tcp bool) {
	size := dns.MinMsgSize
	if opt := q.IsEdns0(); opt != nil {
		m.SetEdns0(bufferSize, false)
		size = min(max(size, int(opt.UDPSize())), bufferSize)
		if opt.Version() != 0 {
			m.Rcode = dns.RcodeBadVers
			m.Answer, m.Ns = nil, nil
		}
	}
	if !tcp && m.Len() > size {
		truncate(m)
	}
}

// truncate leaves the header, the question and the OPT record.
func truncate(m *dns.Msg) {
	m.Truncated = true
	m.Answer, m.Ns = nil, nil
	m.Extra = slices.DeleteFunc(m.Extra, func(rr dns.RR) bool { return rr.Header().Rrtype != dns.TypeOPT })
}

// isMixedCase reports whether a name is not all lower case.
func isMixedCase(name string) bool { return name != strings.ToLower(name) }
