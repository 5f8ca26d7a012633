package dnssec

import (
	"context"
	"net/netip"
	"slices"
	"sync"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// maxServers bounds the addresses that are asked the same, so that a zone with
// very many cannot make a run long.
const maxServers = 8

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

// ask puts one question to one server. The reason is set when there is no
// usable answer: only NOERROR and NXDOMAIN mean anything, and only with
// authority. A recursive resolver is taken at its word.
func (v *Validator) ask(ctx context.Context, z delegation.Zone, s server, name delegation.Name, qtype uint16) (*reply, *Reason) {
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
		return nil, v.unanswered(z, name, qtype, err)
	case m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError:
		failed.Rcode = m.Rcode
		return nil, v.unanswered(z, name, qtype, failed)
	case !m.Authoritative && !z.Proxied:
		failed.Lame = true
		return nil, v.unanswered(z, name, qtype, failed)
	}
	return read(m, s.addr), nil
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

func (v *Validator) unanswered(z delegation.Zone, name delegation.Name, qtype uint16, err error) *Reason {
	return &Reason{Code: NoAnswer, Zone: z.Apex, Name: name, Type: qtype, Err: err}
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

// try puts a question to the servers of a zone, one after the other, until one
// gives an answer that judge has nothing against, or that proves the chain to
// end. It returns the reason against the answer of the first server that gave
// one.
func (v *Validator) try(ctx context.Context, z delegation.Zone, name delegation.Name, qtype uint16, judge func(*reply) *Reason) *Reason {
	var worst *Reason
	for _, s := range v.serversOf(z) {
		rep, why := v.ask(ctx, z, s, name, qtype)
		if rep != nil {
			why = rep.at(judge(rep))
		}
		if why == nil || why.Verdict() == Insecure {
			return why
		}
		if worst == nil || worst.Code == NoAnswer && why.Code != NoAnswer {
			worst = why
		}
	}
	if worst == nil {
		return v.unanswered(z, name, qtype, &delegation.ServersError{Zone: z.Apex, Type: qtype, Name: name})
	}
	return worst
}

// all puts a question to every server of a zone at the same time.
func (v *Validator) all(ctx context.Context, z delegation.Zone, name delegation.Name, qtype uint16, judge func(*reply) *Answer) []*Answer {
	servers := v.serversOf(z)
	answers := make([]*Answer, len(servers))
	var running sync.WaitGroup
	for i, s := range servers {
		running.Go(func() {
			if rep, why := v.ask(ctx, z, s, name, qtype); rep != nil {
				answers[i] = judge(rep)
			} else {
				answers[i] = &Answer{Server: s.addr, verdict: Indeterminate, reason: why}
			}
		})
	}
	running.Wait()
	return answers
}
