package dnssec

import (
	"context"
	"slices"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// answer judges what the last zone says about the name of a chain. All of its
// servers are asked: a CA's resolver may ask any. One good answer is enough for
// the verdict, as resolvers try another server after a bad one.
func (v *Validator) answer(ctx context.Context, c *Chain, z delegation.Zone, l *Link) {
	replies, errs := v.all(ctx, z, c.Name, c.Type)
	if len(replies) == 0 {
		c.end(Indeterminate, unanswered(z, c.Name, c.Type, errs))
		return
	}
	var bad []*Reason
	for _, r := range replies {
		a := v.weigh(r, c, l)
		if a.verdict == Bogus {
			bad = append(bad, a.reason)
		}
		if c.Answer == nil || c.Answer.verdict == Bogus && a.verdict != Bogus {
			c.Answer = a
		}
	}
	c.end(c.Answer.verdict, c.Answer.reason)
	if c.Verdict != Bogus {
		c.Lapses = bad
	}
}

// weigh judges one server's answer.
func (v *Validator) weigh(r *reply, c *Chain, l *Link) *Answer {
	a := &Answer{Server: r.server, verdict: l.Verdict, reason: l.Reason}
	if l.Verdict == Insecure {
		a.read(r, c)
		return a
	}
	if why := r.at(v.prove(a, r, c, l)); why != nil {
		a.verdict, a.reason = why.Verdict(), why
	}
	return a
}

// prove judges an answer of a signed zone.
func (v *Validator) prove(a *Answer, r *reply, c *Chain, l *Link) *Reason {
	ch := checker{l.Zone, l.trusted, v.now()}
	d := ch.denial(r.authority)
	s := a.read(r, c)
	if s == nil {
		return a.deny(d, c)
	}
	by, why := ch.check(s)
	if why != nil {
		return why
	}
	a.Signatures = append(a.Signatures, *by)
	a.Wildcard = s.isExpanded(by)
	switch {
	case !a.Wildcard:
		return nil
	case s.rrtype == dns.TypeDNAME:
		return &Reason{Code: BadSign, Zone: l.Zone, Name: s.name, Type: s.rrtype, Signature: by, Detail: "a wildcard made them"}
	}
	a.Signatures, a.Proof = slices.Concat(a.Signatures, d.signatures), d.proof()
	return d.noCloser(c.Name, c.Type, by.labels)
}

// read finds the records that answer the question: an alias or the type asked
// for. The CNAME record that a DNAME makes is not signed, and not needed
// (RFC 6672 §5.3.1). It is nil where there are none.
func (a *Answer) read(r *reply, c *Chain) *set {
	for i, s := range r.answer {
		d, ok := s.rrs[0].(*dns.DNAME)
		if ok && isBelow(c.Name, s.name) {
			a.Kind, a.Alias = Alias, substitute(c.Name, s.name, canonical(d.Target))
			return &r.answer[i]
		}
	}
	if s := find(r.answer, c.Name, dns.TypeCNAME); s != nil && c.Type != dns.TypeCNAME {
		a.Kind, a.Alias = Alias, canonical(s.rrs[0].(*dns.CNAME).Target)
		return s
	}
	if s := find(r.answer, c.Name, c.Type); s != nil {
		a.Kind = Records
		return s
	}
	a.Kind = NoData
	if r.rcode == dns.RcodeNameError {
		a.Kind = NoName
	}
	return nil
}

// deny judges an answer that there is nothing. A server that says NXDOMAIN for
// a name that exists, and proves that it has no such records, is let off.
func (a *Answer) deny(d *denial, c *Chain) *Reason {
	a.Signatures, a.Proof = d.signatures, d.proof()
	if a.Kind == NoName {
		why := d.noName(c.Name, c.Type)
		if why == nil || why.Verdict() == Insecure {
			return why
		}
		a.Kind = NoData
	}
	return d.noData(c.Name, c.Type)
}

// substitute puts target in the place of the suffix owner of name (RFC 6672
// §2.2).
func substitute(name, owner, target delegation.Name) delegation.Name {
	prefix := delegation.Name(name.Relative(owner) + ".")
	if target == root {
		return prefix
	}
	return prefix + target
}
