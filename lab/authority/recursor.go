package authority

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Limits of a Recursor. Let's Encrypt's resolver, too, answers SERVFAIL from
// the twelfth alias on.
const (
	maxSteps     = 11  // aliases followed
	maxReferrals = 32  // for one name
	maxDepth     = 5   // of name servers whose addresses depend on other names
	maxQueries   = 400 // for one question, addresses of name servers included
)

// attemptTimeout is how long a Recursor waits for a late server. A dead one it
// knows at once.
const attemptTimeout = time.Second

// Recursor is a recursive resolver that starts from the world's root. It
// remembers nothing unless Cache is switched on.
type Recursor struct {
	world *World
	addr  netip.Addr
	cache map[dns.Question]cached // nil: off
}

// cached is an answer that is good for a while.
type cached struct {
	answer *dns.Msg
	until  time.Time
}

// Addr returns where the resolver answers.
func (r *Recursor) Addr() netip.AddrPort {
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	r.world.prepare()
	return netip.AddrPortFrom(r.addr, r.world.port)
}

// Cache switches the cache on or off, and empties it. With it the resolver
// keeps positive answers for their TTL and negative ones for the SOA record's
// MINIMUM (RFC 2308 §5).
func (r *Recursor) Cache(on bool) *Recursor {
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	r.cache = nil
	if on {
		r.cache = map[dns.Question]cached{}
	}
	return r
}

// answer implements host.
func (r *Recursor) answer(ctx context.Context, q *dns.Msg, c call) outcome {
	m := new(dns.Msg).SetReply(q)
	m.RecursionAvailable = true
	m.Compress = true
	switch {
	case q.Opcode != dns.OpcodeQuery:
		m.Rcode = dns.RcodeNotImplemented
	case len(q.Question) != 1:
		m.Rcode = dns.RcodeFormatError
	case !q.RecursionDesired:
		m.Rcode = dns.RcodeRefused
	default:
		a := r.lookup(ctx, q.Question[0])
		m.Rcode, m.Answer, m.Ns = a.Rcode, a.Answer, a.Ns
		isOPT := func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeOPT }
		m.Extra = slices.DeleteFunc(slices.Clone(a.Extra), isOPT) // that was for us (RFC 6891 §6.2.6)
	}
	fit(m, q, c.tcp)
	return outcome{msg: m}
}

// lookup answers from the cache, or resolves.
func (r *Recursor) lookup(ctx context.Context, q dns.Question) *dns.Msg {
	key := q
	key.Name = dns.CanonicalName(q.Name)
	r.world.mu.Lock()
	hit, ok := r.cache[key]
	r.world.mu.Unlock()
	if ok && time.Now().Before(hit.until) {
		return hit.answer.Copy()
	}
	s := &search{r, maxQueries, map[string]bool{}}
	a, err := s.resolve(ctx, q.Name, q.Qtype, 0)
	if err != nil {
		return &dns.Msg{MsgHdr: dns.MsgHdr{Rcode: dns.RcodeServerFailure}}
	}
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	if r.cache != nil {
		r.cache[key] = cached{a.Copy(), time.Now().Add(lifetime(a))}
	}
	return a
}

// lifetime returns how long an answer may be kept.
func lifetime(m *dns.Msg) time.Duration {
	ttl := uint32(86400)
	for _, rr := range slices.Concat(m.Answer, m.Ns) {
		ttl = min(ttl, rr.Header().Ttl)
		if soa, ok := rr.(*dns.SOA); ok {
			ttl = min(ttl, soa.Minttl)
		}
	}
	return time.Duration(ttl) * time.Second
}

// search is the work for one question.
type search struct {
	*Recursor
	left int             // queries that it may still take
	busy map[string]bool // name servers whose addresses are being looked up
}

var errServfail = errors.New("no server gave a usable answer")

// resolve follows aliases, each from the root on.
func (s *search) resolve(ctx context.Context, name string, qtype uint16, depth int) (*dns.Msg, error) {
	var answer []dns.RR
	for range maxSteps + 1 {
		m, err := s.iterate(ctx, name, qtype, depth)
		if err != nil {
			return nil, err
		}
		rrs, target := step(m, name, qtype)
		answer = append(answer, rrs...)
		if target == "" {
			m.Answer = answer
			return m, nil
		}
		name = target
	}
	return nil, errServfail
}

// step returns the records in an answer that are about name, and the alias's
// target if they make one. What servers say of other names is not believed.
func step(m *dns.Msg, name string, qtype uint16) (rrs []dns.RR, target string) {
	for _, rr := range m.Answer {
		h := rr.Header()
		switch {
		case strings.EqualFold(h.Name, name):
			rrs = append(rrs, rr)
			if c, ok := rr.(*dns.CNAME); ok && qtype != dns.TypeCNAME {
				target = c.Target
			}
		case h.Rrtype == dns.TypeDNAME && dns.IsSubDomain(h.Name, name):
			rrs = append(rrs, rr)
		}
	}
	return rrs, target
}

// nameserver is a server that a referral names.
type nameserver struct {
	name  string
	addrs []netip.Addr // nil: it takes a lookup to know
}

// iterate asks from the root downward until a server answers with authority.
func (s *search) iterate(ctx context.Context, name string, qtype uint16, depth int) (*dns.Msg, error) {
	zone, servers := ".", []nameserver{{addrs: s.root()}}
	for range maxReferrals {
		m := s.askAny(ctx, servers, zone, name, qtype, depth)
		if m == nil {
			return nil, errServfail
		}
		cut := referral(m, zone, name)
		if cut == "" {
			return m, nil
		}
		zone, servers = cut, nameservers(m, zone)
	}
	return nil, errServfail
}

// root returns the addresses of the world's root servers.
func (r *Recursor) root() []netip.Addr {
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	var addrs []netip.Addr
	for _, s := range r.world.closest(".").servers {
		addrs = append(addrs, s.addrs...)
	}
	return addrs
}

// askAny returns the first usable answer: with authority, or a referral. The
// address of a server is looked up when those with glue are of no use.
func (s *search) askAny(ctx context.Context, servers []nameserver, zone, name string, qtype uint16, depth int) *dns.Msg {
	for _, glued := range []bool{true, false} {
		for _, server := range servers {
			if (server.addrs != nil) != glued {
				continue
			}
			if !glued {
				server.addrs = s.addressesOf(ctx, server.name, depth+1)
			}
			for _, addr := range server.addrs {
				if m := s.ask(ctx, addr, name, qtype); m != nil && isUsable(m, zone, name) {
					return m
				}
			}
		}
	}
	return nil
}

// isUsable reports whether an answer of a zone's server says anything.
func isUsable(m *dns.Msg, zone, name string) bool {
	answered := m.Rcode == dns.RcodeSuccess || m.Rcode == dns.RcodeNameError
	return answered && (m.Authoritative || referral(m, zone, name) != "")
}

// ask sends one query over UDP, and over TCP where that failed.
func (s *search) ask(ctx context.Context, server netip.Addr, name string, qtype uint16) *dns.Msg {
	q := new(dns.Msg).SetQuestion(name, qtype)
	q.RecursionDesired = false
	q.SetEdns0(bufferSize, false)
	for _, tcp := range []bool{false, true} {
		h := s.world.hosts[server]
		if h == host(s.Recursor) || s.left == 0 || h == nil && !server.IsLoopback() {
			return nil
		}
		s.left--
		if h == nil {
			if m := s.askOutside(ctx, server, q, tcp); m != nil {
				return m
			}
			continue
		}
		out := h.answer(ctx, q, call{from: s.addr, tcp: tcp})
		if out.msg == nil || out.after > attemptTimeout || wait(ctx, out.after) != nil {
			continue
		}
		if m, err := wire(out.msg); err == nil && !m.Truncated {
			return m
		}
	}
	return nil
}

// askOutside asks a server of this host that is not of the world: one that a
// zone of the world is delegated to, at the world's port.
func (s *search) askOutside(ctx context.Context, server netip.Addr, q *dns.Msg, tcp bool) *dns.Msg {
	c := &dns.Client{Net: "udp", Timeout: attemptTimeout}
	if tcp {
		c.Net = "tcp"
	}
	m, _, err := c.ExchangeContext(ctx, q, netip.AddrPortFrom(server, s.world.port).String())
	if err != nil || m.Truncated {
		return nil
	}
	return m
}

// referral returns the cut that an answer points at, below zone and at or
// above name; "" if it is no referral.
func referral(m *dns.Msg, zone, name string) string {
	if m.Authoritative || m.Rcode != dns.RcodeSuccess || len(m.Answer) > 0 {
		return ""
	}
	for _, rr := range m.Ns {
		cut := dns.CanonicalName(rr.Header().Name)
		if rr.Header().Rrtype == dns.TypeNS && cut != zone && dns.IsSubDomain(zone, cut) && dns.IsSubDomain(cut, name) {
			return cut
		}
	}
	return ""
}

// nameservers returns the servers that a referral from zone names, with their
// glue if that is in zone.
func nameservers(m *dns.Msg, zone string) []nameserver {
	var servers []nameserver
	for _, rr := range m.Ns {
		ns, ok := rr.(*dns.NS)
		if !ok {
			continue
		}
		server := nameserver{name: ns.Ns}
		if dns.IsSubDomain(zone, ns.Ns) {
			server.addrs = addressesIn(m.Extra, ns.Ns)
		}
		servers = append(servers, server)
	}
	return servers
}

// addressesOf resolves the name of a name server, unless that is what it is
// needed for.
func (s *search) addressesOf(ctx context.Context, name string, depth int) []netip.Addr {
	name = dns.CanonicalName(name)
	if depth > maxDepth || s.busy[name] {
		return nil
	}
	s.busy[name] = true
	defer delete(s.busy, name)
	var addrs []netip.Addr
	for _, t := range []uint16{dns.TypeA, dns.TypeAAAA} {
		if m, err := s.resolve(ctx, name, t, depth); err == nil {
			addrs = append(addrs, addressesIn(m.Answer, name)...)
		}
	}
	return addrs
}

// addressesIn returns the addresses among rrs that belong to name.
func addressesIn(rrs []dns.RR, name string) []netip.Addr {
	var addrs []netip.Addr
	for _, rr := range rrs {
		if !strings.EqualFold(rr.Header().Name, name) {
			continue
		}
		switch rr := rr.(type) {
		case *dns.A:
			a, _ := netip.AddrFromSlice(rr.A.To4())
			addrs = append(addrs, a)
		case *dns.AAAA:
			a, _ := netip.AddrFromSlice(rr.AAAA)
			addrs = append(addrs, a)
		}
	}
	return addrs
}
