package delegation

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Observation is what one address of one server answered to one question, or
// why it did not.
type Observation struct {
	Server  Server // with exactly one address
	Name    Name   // asked for
	Type    string
	Proxied bool // the server is a recursive resolver, whose answer may be old

	Rcode         string // "" without an answer
	Authoritative bool
	Recursive     bool          // the server offers recursion
	RTT           time.Duration // of the exchange that brought the answer
	Truncated     bool          // over UDP, and whole over TCP
	CaseKept      bool          // the name came back as it was spelled (0x20)
	BufferSize    int           // of the server's EDNS; 0: it has none
	NSID          string        // who answered, if it says so (RFC 5001)

	Zone        Name   // owner of the SOA record shown; "" where none was
	Serial      uint32 // of that record
	AliasType   string // CNAME or DNAME: the name is an alias
	AliasTo     Name
	Cut         Name   // the server refers to this zone below
	ServerNames []Name // to these servers of it; for a question for NS: the answer

	Err error // an *Error: the answer is of no use, or there is none
}

// NoRoute reports whether the question was not sent because this host has no
// route to the server: a fact about this host, not about the server.
func (o *Observation) NoRoute() bool { return IsNoRoute(o.Err) }

// Trouble says in words what is wrong, "" if nothing is.
func (o *Observation) Trouble() string {
	if e, ok := o.Err.(*Error); ok {
		return e.cause()
	}
	if o.Err != nil {
		return o.Err.Error()
	}
	return ""
}

// asked is a question to one address.
type asked struct {
	addr  netip.AddrPort
	name  Name
	qtype uint16
}

// memory holds the last answer to every question of the run.
type memory struct {
	mu      sync.Mutex
	answers map[asked]said
}

// said is an answer, or the reason for there being none.
type said struct {
	answer *Answer
	failed *Error
}

func (m *memory) note(q asked, s said) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.answers == nil {
		m.answers = make(map[asked]said)
	}
	m.answers[q] = s
}

func (m *memory) recall(q asked) (said, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.answers[q]
	return s, ok
}

// Observe returns what a server of a zone answers to a question of the given
// type ("NS", "SOA", "CNAME") at each of its addresses, at the same time. What
// was asked before in this run, by Resolve too, is not asked again. After ctx
// has ended, the rest of the observations say so.
func (r *Resolver) Observe(ctx context.Context, zone Name, servers []Server, name Name, rrtype string) []Observation {
	z := r.known(zone)
	peers := peersOf(servers)
	all := make([]Observation, len(peers))
	var wg sync.WaitGroup
	for i, p := range peers {
		wg.Go(func() { all[i] = r.observe(ctx, z, p, name, dns.StringToType[rrtype]) })
	}
	wg.Wait()
	return all
}

// Asked returns those addresses that have been put this question in this run,
// by Resolve too.
func (r *Resolver) Asked(servers []Server, name Name, rrtype string) []Server {
	var those []Server
	for _, p := range peersOf(servers) {
		if _, ok := r.memory.recall(asked{p.addr, name, dns.StringToType[rrtype]}); ok {
			those = append(those, Server{p.host, []netip.AddrPort{p.addr}})
		}
	}
	return those
}

// known returns the zone with this apex, or something that will do for reading
// answers of its servers.
func (r *Resolver) known(apex Name) *zone {
	r.cuts.mu.Lock()
	defer r.cuts.mu.Unlock()
	z := r.cuts.closest(apex)
	if z != nil && z.apex == apex {
		return z
	}
	return &zone{apex: apex, parent: z, proxied: z != nil && z.proxied}
}

func (r *Resolver) observe(ctx context.Context, z *zone, p peer, name Name, qtype uint16) Observation {
	q := asked{p.addr, name, qtype}
	s, err := r.observed.do(ctx, q, func() (said, error) {
		if s, ok := r.memory.recall(q); ok {
			return s, nil
		}
		a, failed := r.exchange(ctx, p, name, qtype, z.proxied)
		return said{a, failed}, context.Cause(ctx)
	})
	if err != nil && s.answer == nil {
		s.failed = &Error{Type: qtype, Name: name, Host: p.host, Server: p.addr, Err: err}
	}
	o := Observation{
		Server: Server{p.host, []netip.AddrPort{p.addr}}, Name: name,
		Type: dns.Type(qtype).String(), Proxied: z.proxied,
	}
	o.take(z, p, s, q, r.port)
	return o
}

// take reads the answer. What it is worth read says, as for Resolve.
func (o *Observation) take(z *zone, p peer, s said, q asked, port uint16) {
	if s.answer == nil {
		o.Err = s.failed
		return
	}
	m := s.answer.Msg
	o.Rcode, o.Authoritative, o.Recursive = rcodeName(m.Rcode), m.Authoritative, m.RecursionAvailable
	o.RTT, o.Truncated, o.CaseKept = s.answer.RTT, s.answer.Truncated, s.answer.CaseKept
	if opt := m.IsEdns0(); opt != nil {
		o.BufferSize, o.NSID = int(opt.UDPSize()), nsid(opt)
	}
	rep, failed := read(z, p, m, q.name, q.qtype, port)
	if failed != nil {
		o.Err = failed
		return
	}
	switch {
	case rep.alias != nil:
		o.AliasType, o.AliasTo = dns.Type(rep.alias.rrtype).String(), rep.alias.to
	case rep.cut != nil:
		o.Cut, o.ServerNames = rep.cut.apex, rep.cut.named
	case q.qtype == dns.TypeNS:
		o.ServerNames = nsNames(rep.rrs)
	}
	if rep.soa != nil {
		o.Zone, o.Serial = rep.apex, rep.soa.Serial
	}
}

// nsid returns the identifier that a server gives itself: text where it is
// that, else hexadecimal digits.
func nsid(opt *dns.OPT) string {
	for _, option := range opt.Option {
		n, ok := option.(*dns.EDNS0_NSID)
		if !ok || n.Nsid == "" {
			continue
		}
		var text []byte
		if _, err := fmt.Sscanf(n.Nsid, "%x", &text); err != nil {
			return n.Nsid
		}
		for _, c := range text {
			if c < ' ' || c > '~' {
				return n.Nsid
			}
		}
		return string(text)
	}
	return ""
}

// Servers returns every authoritative server of a zone, as in Target, and in
// words where its parent contradicts it. With passing set it is enough to know
// those that the zone above names: nothing is asked for that.
func (r *Resolver) Servers(ctx context.Context, apex Name, passing bool) ([]Server, []string, error) {
	z := r.known(apex)
	if z.proxied {
		return z.servers, nil, nil
	}
	if passing && (z.parent == nil || z.named != nil) {
		more, _ := r.locate(ctx, z.unglued())
		var servers []Server
		for _, s := range append(z.servers, more...) {
			if len(s.Addrs) > 0 {
				servers = append(servers, s)
			}
		}
		return servers, nil, nil
	}
	s, err := r.service(ctx, z)
	if err != nil {
		return nil, nil, err
	}
	return s.servers, s.warnings, nil
}
