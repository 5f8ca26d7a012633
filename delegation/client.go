package delegation

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	// ednsSize fits every path without fragments, as the operators agreed on
	// DNS flag day 2020; validating resolvers of CAs announce the same.
	ednsSize = 1232

	defaultTimeout = 3 * time.Second
	defaultRetries = 1
)

// Exchanger sends one query to one server and returns its answer, as
// *dns.Client does. It is the one seam for tests.
type Exchanger interface {
	ExchangeContext(ctx context.Context, m *dns.Msg, addr string) (r *dns.Msg, rtt time.Duration, err error)
}

// Client asks single servers: over UDP with an EDNS buffer of 1232 octets and
// mixed-case names (0x20), over TCP when the answer was truncated.
type Client struct {
	UDP, TCP  Exchanger     // nil: the network
	Encrypted []*Encrypted  // recursive resolvers that are asked over TLS or HTTPS
	Timeout   time.Duration // for one attempt; 0: 3 s
	Retries   int           // further attempts over UDP after a timeout; 0: 1, negative: none
	NSID      bool          // ask servers who they are (RFC 5001)

	signed bool // ask for signatures
}

// Answer is a server's answer, and how it came.
type Answer struct {
	*dns.Msg
	RTT       time.Duration // of the exchange that brought it
	Truncated bool          // over UDP, so that it was asked for again over TCP
	CaseKept  bool          // the question came back as it was spelled
}

// Ask sends one question to one server. The error is an *Error when the server
// gave no usable answer at all (timeout, refused connection, malformed); every
// rcode is an answer. Names in the answer have whatever case the server chose.
func (c *Client) Ask(ctx context.Context, server netip.AddrPort, name Name, qtype uint16, recursion bool) (*dns.Msg, error) {
	a, err := c.Query(ctx, server, name, qtype, recursion)
	if err != nil {
		return nil, err
	}
	return a.Msg, nil
}

// Query is Ask for those who want to know how the answer came.
func (c *Client) Query(ctx context.Context, server netip.AddrPort, name Name, qtype uint16, recursion bool) (*Answer, error) {
	a, err := c.query(ctx, server, c.question(name, qtype, recursion))
	if err != nil {
		return nil, &Error{Type: qtype, Name: name, Server: server, Err: err}
	}
	return a, nil
}

func (c *Client) query(ctx context.Context, server netip.AddrPort, q *dns.Msg) (*Answer, error) {
	if e := encryptedAt(c.Encrypted, server); e != nil {
		return c.once(ctx, e, q, server)
	}
	a, err := c.overUDP(ctx, q, server)
	if err == nil && a.Rcode == dns.RcodeFormatError && a.IsEdns0() == nil {
		q.Extra = nil // a server from before EDNS, RFC 6891 §7
		a, err = c.overUDP(ctx, q, server)
	}
	if err != nil || !a.Msg.Truncated {
		return a, err
	}
	if a, err = c.once(ctx, exchanger(c.TCP, "tcp"), q, server); err != nil {
		return nil, &truncatedError{err}
	}
	a.Truncated = true
	return a, nil
}

// overUDP tries again after a timeout: UDP may lose either packet.
func (c *Client) overUDP(ctx context.Context, q *dns.Msg, server netip.AddrPort) (a *Answer, err error) {
	retries := c.Retries
	if retries == 0 {
		retries = defaultRetries
	}
	for try := 0; ; try++ {
		a, err = c.once(ctx, exchanger(c.UDP, "udp"), q, server)
		if err == nil || try >= retries || ctx.Err() != nil || !isTimeout(err) {
			return a, err
		}
	}
}

// once makes one attempt.
func (c *Client) once(ctx context.Context, e Exchanger, q *dns.Msg, server netip.AddrPort) (*Answer, error) {
	if spend(ctx); ctx.Err() != nil {
		return nil, ended(ctx)
	}
	attempt, cancel := context.WithTimeout(ctx, cmp.Or(c.Timeout, defaultTimeout))
	defer cancel()
	q.Id = dns.Id()
	began := time.Now()
	r, _, err := e.ExchangeContext(attempt, q.Copy(), server.String())
	switch {
	case err == nil:
		err = checkReply(q, r)
	case ctx.Err() != nil:
		err = ended(ctx)
	case attempt.Err() != nil:
		err = os.ErrDeadlineExceeded // the server's fault, not the caller's
	}
	if err != nil {
		return nil, err
	}
	kept := len(r.Question) == 1 && r.Question[0].Name == q.Question[0].Name
	return &Answer{Msg: r, RTT: time.Since(began), CaseKept: kept}, nil
}

// checkReply makes sure that r answers q. The name may come back in any case:
// servers that do not keep the case of a question still mean what they say.
func checkReply(q, r *dns.Msg) error {
	switch {
	case r == nil || !r.Response || r.Id != q.Id:
		return errMalformed
	case len(r.Question) == 0 && r.Rcode != dns.RcodeSuccess:
		return nil // some servers leave it out of an error
	case len(r.Question) != 1 || r.Question[0].Qtype != q.Question[0].Qtype ||
		canonical(r.Question[0].Name) != canonical(q.Question[0].Name):
		return errMalformed
	}
	return nil
}

var errMalformed = errors.New("it does not answer the question")

// truncatedError is the failure over TCP after a truncated answer over UDP.
type truncatedError struct{ err error }

func (e *truncatedError) Error() string { return "truncated over UDP, over TCP: " + e.err.Error() }
func (e *truncatedError) Unwrap() error { return e.err }

func (c *Client) question(name Name, qtype uint16, recursion bool) *dns.Msg {
	q := new(dns.Msg)
	q.SetQuestion(mixCase(name), qtype)
	q.RecursionDesired = recursion
	q.SetEdns0(ednsSize, c.signed)
	q.CheckingDisabled = c.signed && recursion
	if c.NSID {
		opt := q.IsEdns0()
		opt.Option = append(opt.Option, &dns.EDNS0_NSID{Code: dns.EDNS0NSID})
	}
	return q
}

// mixCase returns n with each letter in upper or lower case at random, as
// validating resolvers of CAs send it (0x20): a server that cannot stand this
// should fail here, before it fails there.
func mixCase(n Name) string {
	return strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' && rand.IntN(2) == 0 {
			return c - 'a' + 'A'
		}
		return c
	}, string(n))
}

func exchanger(e Exchanger, network string) Exchanger {
	if e != nil {
		return e
	}
	return socket(network)
}

// socket exchanges messages over a network, "udp" or "tcp". Unlike dns.Client
// it gives up as soon as its context is done.
type socket string

func (s socket) ExchangeContext(ctx context.Context, m *dns.Msg, addr string) (*dns.Msg, time.Duration, error) {
	deadline, _ := ctx.Deadline()
	c := &dns.Client{Net: string(s), Timeout: time.Until(deadline)}
	conn, err := c.DialContext(ctx, addr)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	return c.ExchangeWithConnContext(ctx, m, conn)
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}
