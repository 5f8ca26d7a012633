package dnssec

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

const (
	// maxServers bounds the addresses that are asked the same, so that a zone
	// with very many cannot make a run long.
	maxServers = 8

	patience = 400 * time.Millisecond // with one server before the next is asked beside it
)

// reply is a usable answer of one server.
type reply struct {
	server            netip.AddrPort
	rcode             int
	answer, authority []set
	plain             bool // the server does not know DNSSEC: DO did not come back (RFC 3225 §3)
}

// server is one address of a zone's servers.
type server struct {
	host delegation.Name
	addr netip.AddrPort
}

// serversOf returns the addresses to ask about a zone: those first that were
// not silent before.
func (v *Validator) serversOf(z delegation.Zone) []server {
	var all []server
	for _, s := range z.Servers {
		for _, a := range s.Addrs {
			all = append(all, server{s.Name, a})
		}
	}
	slices.SortStableFunc(all, func(a, b server) int { return v.silence(a.addr) - v.silence(b.addr) })
	return all[:min(len(all), maxServers)]
}

func (v *Validator) silence(a netip.AddrPort) int {
	if _, silent := v.silent.Load(a); silent {
		return 1
	}
	return 0
}

// ask puts one question to one server. Only NOERROR and NXDOMAIN mean anything,
// and only with authority. A recursive resolver is taken at its word.
func (v *Validator) ask(ctx context.Context, z delegation.Zone, s server, name delegation.Name, qtype uint16) (*reply, *delegation.Error) {
	client := v.Client
	if client == nil {
		client = &delegation.Client{}
	}
	m, err := client.Signed().Ask(ctx, s.addr, name, qtype, z.Proxied)
	failed := &delegation.Error{Type: qtype, Name: name, Host: s.host, Server: s.addr}
	switch {
	case err != nil:
		if ctx.Err() == nil {
			v.silent.Store(s.addr, true)
		}
		failed.Err = cmp.Or(errors.Unwrap(err), err)
	case m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError:
		failed.Rcode = m.Rcode
	case !m.Authoritative && !z.Proxied:
		failed.Lame = true
	default:
		return read(m, s.addr), nil
	}
	return nil, failed
}

// read sorts an answer.
func read(m *dns.Msg, from netip.AddrPort) *reply {
	opt := m.IsEdns0()
	return &reply{
		server: from, rcode: m.Rcode,
		answer: sets(m.Answer), authority: sets(m.Ns),
		plain: opt == nil || !opt.Do(),
	}
}

// unanswered is the reason that no server gave a usable answer.
func unanswered(z delegation.Zone, name delegation.Name, qtype uint16, errs []*delegation.Error) *Reason {
	return &Reason{Code: NoAnswer, Zone: z.Apex, Name: name, Type: qtype, Err: &delegation.ServersError{
		Zone: z.Apex, Type: qtype, Name: name, Errs: errs, Proxied: z.Proxied,
	}}
}

// at completes a reason with the server that gave cause for it. No signature
// from a server that gives none at all is another matter.
func (r *reply) at(why *Reason) *Reason {
	if why == nil {
		return nil
	}
	why.Server = r.server
	if r.plain && (why.Code == NoSignature || why.Code == NoProof) {
		why.Code = Stripped
	}
	return why
}

// outcome is what came of asking one server.
type outcome struct {
	*reply
	err *delegation.Error // set where there is no reply
}

// try puts a question to the servers of a zone, one after the other and the
// next beside one that is slow, until one gives an answer that judge has
// nothing against, or that proves the chain to end. Otherwise it returns the
// reason against the first answer that there was.
func (v *Validator) try(ctx context.Context, z delegation.Zone, name delegation.Name, qtype uint16, judge func(*reply) *Reason) *Reason {
	servers := v.serversOf(z)
	outcomes := make(chan outcome, len(servers))
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	var first *Reason
	var errs []*delegation.Error
	for asked, back := 0, 0; back < len(servers); {
		if asked < len(servers) {
			s := servers[asked]
			running.Go(func() {
				rep, err := v.ask(ctx, z, s, name, qtype)
				outcomes <- outcome{rep, err}
			})
			asked++
		}
		o, ok := next(outcomes, asked < len(servers))
		if !ok {
			continue
		}
		back++
		if o.err != nil {
			errs = append(errs, o.err)
			continue
		}
		why := o.at(judge(o.reply))
		if why == nil || why.Verdict() == Insecure {
			return why
		}
		first = cmp.Or(first, why)
	}
	return cmp.Or(first, unanswered(z, name, qtype, errs))
}

// next waits for an outcome, or only a while if there are others to ask.
func next(outcomes <-chan outcome, impatient bool) (o outcome, ok bool) {
	if !impatient {
		return <-outcomes, true
	}
	select {
	case o = <-outcomes:
		return o, true
	case <-time.After(patience):
		return o, false
	}
}

// all puts a question to every server of a zone at the same time. It returns
// the answers, and what those did who gave none.
func (v *Validator) all(ctx context.Context, z delegation.Zone, name delegation.Name, qtype uint16) ([]*reply, []*delegation.Error) {
	servers := v.serversOf(z)
	outcomes := make([]outcome, len(servers))
	var running sync.WaitGroup
	for i, s := range servers {
		running.Go(func() { outcomes[i].reply, outcomes[i].err = v.ask(ctx, z, s, name, qtype) })
	}
	running.Wait()
	var replies []*reply
	var errs []*delegation.Error
	for _, o := range outcomes {
		if o.err != nil {
			errs = append(errs, o.err)
		} else {
			replies = append(replies, o.reply)
		}
	}
	return replies, errs
}
