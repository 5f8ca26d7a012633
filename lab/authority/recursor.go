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
	maxSteps     = 11 // aliases followed
	maxReferrals = 32 // for one name
	maxDepth     = 5  // of name servers whose addresses depend on other names
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
		m.Rcode, m.Answer, m.Ns, m.Extra = a.Rcode, a.Answer, a.Ns, a.Extra
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
	a, err := r.resolve(ctx, q.Name, q.Qtype, 0)
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

var errServfail = errors.New("no server gave a usable answer")

// resolve follows aliases, each from the root on.
func (r *Recursor) resolve(ctx context.Context, name string, qtype uint16, depth int) (*dns.Msg, error) {
	var answer []dns.RR
	for range maxSteps + 1 {
		m, err := r.iterate(ctx, name, qtype, depth)
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

// iterate asks from the root downward until a server answers with authority.
func (r *Recursor) iterate(ctx context.Context, name string, qtype uint16, depth int) (*dns.Msg, error) {
	zone, servers := ".", r.root()
	for range maxReferrals {
		m := r.askAny(ctx, servers, zone, name, qtype)
		if m == nil {
			return nil, errServfail
		}
		cut := referral(m, zone, name)
		if cut == "" {
			return m, nil
		}
		zone, servers = cut, r.addresses(ctx, m, zone, depth)
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

// askAny returns the first usable answer: with authority, or a referral.
func (r *Recursor) askAny(ctx context.Context, servers []netip.Addr, zone, name string, qtype uint16) *dns.Msg {
	for _, s := range servers {
		m := r.ask(ctx, s, name, qtype)
		if m == nil || m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError {
			continue
		}
		if m.Authoritative || referral(m, zone, name) != "" {
			return m
		}
	}
	return nil
}

// ask sends one query over UDP, and over TCP where that failed.
func (r *Recursor) ask(ctx context.Context, server netip.Addr, name string, qtype uint16) *dns.Msg {
	q := new(dns.Msg).SetQuestion(name, qtype)
	q.RecursionDesired = false
	q.SetEdns0(bufferSize, false)
	for _, tcp := range []bool{false, true} {
		h := r.world.hosts[server]
		if h == nil || h == host(r) {
			return nil
		}
		out := h.answer(ctx, q, call{from: r.addr, tcp: tcp})
		if out.msg == nil || out.after > attemptTimeout || wait(ctx, out.after) != nil {
			continue
		}
		if m, err := wire(out.msg); err == nil && !m.Truncated {
			return m
		}
	}
	return nil
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

// addresses returns the addresses of the servers that a referral from zone
// names: its glue if that is in zone, else by resolving their names.
func (r *Recursor) addresses(ctx context.Context, m *dns.Msg, zone string, depth int) []netip.Addr {
	var addrs []netip.Addr
	for _, rr := range m.Ns {
		ns, ok := rr.(*dns.NS)
		if !ok {
			continue
		}
		found := addressesIn(m.Extra, ns.Ns)
		if len(found) == 0 || !dns.IsSubDomain(zone, ns.Ns) {
			found = r.addressesOf(ctx, ns.Ns, depth+1)
		}
		addrs = append(addrs, found...)
	}
	return addrs
}

// addressesOf resolves the name of a name server.
func (r *Recursor) addressesOf(ctx context.Context, name string, depth int) []netip.Addr {
	if depth > maxDepth {
		return nil
	}
	var addrs []netip.Addr
	for _, t := range []uint16{dns.TypeA, dns.TypeAAAA} {
		if m, err := r.resolve(ctx, name, t, depth); err == nil {
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
