package check

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// server is one address of a server of a zone, and what it said.
type server struct {
	name delegation.Name
	addr netip.AddrPort

	soa       *delegation.Answer // of the zone, over UDP in mixed case; nil: see err
	err       *delegation.Error
	tcp       *delegation.Error // why there was no usable answer over TCP
	sensitive bool              // a usable answer came only in lower case
	ns        []delegation.Name // at the apex; nil if it did not say
}

func (s *server) String() string { return at(s.name, s.addr) }

// serial returns the serial and the record itself, if the server said it.
func (s *server) serial() (*dns.SOA, bool) {
	if s.soa == nil {
		return nil, false
	}
	for _, rr := range s.soa.Answer {
		if soa, ok := rr.(*dns.SOA); ok {
			return soa, true
		}
	}
	return nil, false
}

// measure asks for the zone's SOA record in every way that matters.
func (s *server) measure(ctx context.Context, client *delegation.Client, apex delegation.Name) {
	together([]func(){
		func() { s.soa, s.err = s.query(ctx, client, apex, dns.TypeSOA) },
		func() { _, s.tcp = s.query(ctx, overTCP(client), apex, dns.TypeSOA) },
		func() {
			if a, err := s.query(ctx, client, apex, dns.TypeNS); err == nil {
				s.ns = nameServers(a.Answer, apex)
			}
		},
	})
	if s.err != nil && s.err.Err == nil {
		_, err := s.query(ctx, inLowerCase(client), apex, dns.TypeSOA)
		s.sensitive = err == nil
	}
}

// query asks one question. An answer is usable with authority only, and when
// it is NOERROR or NXDOMAIN. Of the apex there is always something.
func (s *server) query(ctx context.Context, client *delegation.Client, name delegation.Name, qtype uint16) (*delegation.Answer, *delegation.Error) {
	a, err := client.Query(ctx, s.addr, name, qtype, false)
	failed := &delegation.Error{Type: qtype, Name: name, Host: s.name, Server: s.addr}
	switch {
	case err != nil:
		failed.Err = err
		if e, ok := errors.AsType[*delegation.Error](err); ok {
			failed.Err = e.Err
		}
	case a.Rcode == dns.RcodeNameError && qtype == dns.TypeSOA,
		a.Rcode != dns.RcodeSuccess && a.Rcode != dns.RcodeNameError:
		failed.Rcode = a.Rcode
	case !a.Authoritative:
		failed.Lame = true
	default:
		return a, nil
	}
	return nil, failed
}

// dead reports whether the server gives no answer, over UDP nor TCP.
func (s *server) dead() bool { return s.err != nil && s.err.Err != nil && s.tcp != nil }

// sparing returns a client that takes the silence of dead servers for granted:
// else each name on each of them would cost a timeout.
func sparing(c *delegation.Client, zones []*zone) *delegation.Client {
	dead := map[string]error{}
	for _, z := range zones {
		for _, s := range z.servers {
			if s.dead() {
				dead[s.addr.String()] = s.err.Err
			}
		}
	}
	if len(dead) == 0 {
		return c
	}
	spare := *c
	spare.UDP, spare.TCP = living{c.UDP, "udp", dead}, living{c.TCP, "tcp", dead}
	return &spare
}

// living exchanges messages with servers that are not dead.
type living struct {
	next    delegation.Exchanger
	network string
	dead    map[string]error
}

func (l living) ExchangeContext(ctx context.Context, m *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	if err := l.dead[addr]; err != nil {
		return nil, 0, err
	}
	return network(l.next, l.network).ExchangeContext(ctx, m, addr)
}

// network returns an exchanger, or the network itself where there is none.
func network(e delegation.Exchanger, name string) delegation.Exchanger {
	if e == nil {
		return &dns.Client{Net: name}
	}
	return e
}

// overTCP returns a client that begins with TCP.
func overTCP(c *delegation.Client) *delegation.Client {
	tcp := *c
	tcp.UDP, tcp.Retries = network(c.TCP, "tcp"), -1
	return &tcp
}

// inLowerCase returns a client that spells names in lower case.
func inLowerCase(c *delegation.Client) *delegation.Client {
	low := *c
	low.UDP, low.TCP = lower{c.UDP, "udp"}, lower{c.TCP, "tcp"}
	return &low
}

type lower struct {
	next    delegation.Exchanger
	network string
}

func (l lower) ExchangeContext(ctx context.Context, m *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	m.Question[0].Name = strings.ToLower(m.Question[0].Name)
	return network(l.next, l.network).ExchangeContext(ctx, m, addr)
}

// nameServers returns the names in the NS records of a zone, sorted.
func nameServers(rrs []dns.RR, apex delegation.Name) []delegation.Name {
	names := []delegation.Name{}
	for _, rr := range rrs {
		if ns, ok := rr.(*dns.NS); ok && strings.EqualFold(rr.Header().Name, apex.String()) {
			names = append(names, delegation.Name(dns.CanonicalName(ns.Ns)))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// trouble is the evidence of a question without a usable answer.
func trouble(e *delegation.Error) Evidence {
	return Evidence{Server: at(e.Host, e.Server), Record: dns.Type(e.Type).String() + " " + e.Name.Bare(), Value: words(e)}
}

// words says what a server did instead of answering.
func words(e *delegation.Error) string {
	var timeout net.Error
	switch {
	case e.Lame:
		return "no authority"
	case e.Err == nil:
		return rcode(e.Rcode)
	case delegation.IsNoRoute(e.Err):
		return "no route from this host"
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(e.Err, context.DeadlineExceeded), errors.As(e.Err, &timeout) && timeout.Timeout():
		return "no answer"
	}
	return e.Err.Error()
}

func rcode(code int) string {
	if text, ok := dns.RcodeToString[code]; ok {
		return text
	}
	return "an unknown rcode"
}
