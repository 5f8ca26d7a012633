package check

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// Hosted is a zone that our own name server should serve.
type Hosted struct {
	Apex    delegation.Name
	Servers []delegation.Server // names that its NS records should have, with the addresses of those
	Signed  bool                // it is meant to be
}

// Zones looks at zones from outside, as those do who check a delegation: is it
// there, is it to the right servers, do they answer every kind of question as
// they should, and are they believed? The error is that of ctx.
func (c *Checker) Zones(ctx context.Context, zones []Hosted) (*Report, error) {
	r := &run{Checker: c, client: c.Client}
	r.ownRoot = r.hasOwnRoot(ctx)
	r.lookForCuts(ctx, zones)      // does the zone above delegate them to these servers?
	r.survey(ctx)                  // does every server do its work?
	r.lookAtParents(ctx)           // do parent and child agree on who serves it?
	r.lookAtAnswers(ctx)           // does every server answer as it should?
	r.lookAtSignatures(ctx, zones) // does a validating resolver believe that?
	report := &Report{Findings: r.findings}
	for _, z := range zones {
		report.Domains = append(report.Domains, z.Apex.Bare())
	}
	return report, context.Cause(ctx)
}

// hasOwnRoot reports whether the root's servers are not on the Internet.
func (r *run) hasOwnRoot(ctx context.Context) bool {
	root, err := r.Resolver.Zone(ctx, ".")
	return err == nil && !root.Proxied && slices.ContainsFunc(root.Servers, func(s delegation.Server) bool {
		return slices.ContainsFunc(s.Addrs, func(a netip.AddrPort) bool { return !isPublic(a.Addr()) })
	})
}

// lookForCuts finds the zones that are delegated.
func (r *run) lookForCuts(ctx context.Context, zones []Hosted) {
	cut := make([]bool, len(zones))
	index := make([]int, len(zones))
	for i := range zones {
		index[i] = i
	}
	each(r, index, func(i int) (fs findings) {
		h := zones[i]
		known, err := r.Resolver.Zone(ctx, h.Apex)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			fs.unresolved(h.Apex.Bare(), err)
		case known.Apex != h.Apex:
			fs.undelegated(h, known)
		default:
			cut[i] = true
			fs.elsewhere(h, known)
		}
		return fs
	})
	for i, h := range zones {
		if cut[i] {
			r.zone(h.Apex)
		}
	}
}

func (fs *findings) undelegated(h Hosted, above delegation.Zone) {
	fs.add("zone-undelegated", h.Apex.Bare(), fmt.Sprintf("zone %s does not delegate %s: nobody asks the name server", above.Apex.Bare(), h.Apex.Bare()),
		fmt.Sprintf("add to zone %s:\n%s", above.Apex.Bare(), strings.Join(h.records(), "\n")))
}

// records returns what the zone above needs, in master-file format.
func (h Hosted) records() []string {
	var lines []string
	for _, s := range h.Servers {
		lines = append(lines, fmt.Sprintf("%s NS %s", h.Apex, s.Name))
	}
	for _, s := range h.Servers {
		for _, a := range s.Addrs {
			if s.Name.IsAtOrBelow(h.Apex) {
				lines = append(lines, fmt.Sprintf("%s %s %s", s.Name, addressType(a.Addr().Is4()), a.Addr()))
			}
		}
	}
	return lines
}

func addressType(is4 bool) string {
	if is4 {
		return "A"
	}
	return "AAAA"
}

// elsewhere finds servers that nobody asks.
func (fs *findings) elsewhere(h Hosted, known delegation.Zone) {
	named := make([]delegation.Name, 0, len(known.Servers))
	for _, s := range known.Servers {
		named = append(named, s.Name)
	}
	for _, s := range h.Servers {
		if !slices.Contains(named, s.Name) {
			fs.add("zone-elsewhere", h.Apex.Bare(), fmt.Sprintf("%s is delegated to %s, and not to %s as configured", h.Apex.Bare(), list(named), s.Name.Bare()),
				fmt.Sprintf("change the NS records of %s in the zone above, or the servers in the configuration", h.Apex.Bare()))
		}
	}
}

// probe is a question to which every server of a zone has to give a certain
// kind of answer.
type probe struct {
	what    string // in words
	name    delegation.Name
	qtype   uint16
	buffer  uint16
	version uint8 // of EDNS
	wrong   func(m *dns.Msg, apex delegation.Name) string
}

// probes are the questions about one zone.
func probes(apex delegation.Name) []probe {
	unknown := delegation.Name("certctl-" + strings.ToLower(rand.Text()[:12]) + "." + apex.String())
	const unassigned = 65280 // for private use (RFC 6895 §3.1)
	return []probe{
		{"a name that does not exist", unknown, dns.TypeA, 1232, 0, notNegative},
		{"a type that nobody has", apex, unassigned, 1232, 0, notNegative},
		{"CAA", apex, dns.TypeCAA, 1232, 0, notNegative},
		{"SOA with a buffer of 512 octets", apex, dns.TypeSOA, 512, 0, notSOA},
		{"SOA with a buffer of 4096 octets", apex, dns.TypeSOA, 4096, 0, notSOA},
		{"SOA with version 1 of EDNS", apex, dns.TypeSOA, 1232, 1, notBadVersion},
	}
}

// notNegative says what is wrong with an answer that there is nothing, or is
// something.
func notNegative(m *dns.Msg, apex delegation.Name) string {
	soa := slices.ContainsFunc(m.Ns, func(rr dns.RR) bool {
		return rr.Header().Rrtype == dns.TypeSOA && strings.EqualFold(rr.Header().Name, apex.String())
	})
	switch {
	case m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError:
		return rcode(m.Rcode)
	case !m.Authoritative:
		return "no authority"
	case len(m.Answer) == 0 && !soa:
		return "no SOA record, so that nobody can remember the answer (RFC 2308 §3)"
	}
	return ""
}

func notSOA(m *dns.Msg, _ delegation.Name) string {
	switch {
	case m.Rcode != dns.RcodeSuccess:
		return rcode(m.Rcode)
	case len(m.Answer) == 0 && !m.Truncated:
		return "no SOA record"
	}
	return ""
}

func notBadVersion(m *dns.Msg, _ delegation.Name) string {
	if m.Rcode != dns.RcodeBadVers {
		return rcode(m.Rcode) + ", and not BADVERS (RFC 6891 §6.1.3)"
	}
	return ""
}

// lookAtAnswers asks every server of every zone all probes.
func (r *run) lookAtAnswers(ctx context.Context) {
	each(r, r.zones, func(z *zone) (fs findings) {
		for _, s := range z.usable() {
			for _, p := range probes(z.apex) {
				if why := r.probe(ctx, z.apex, s, p); why != "" && ctx.Err() == nil {
					fs.misanswered(z, s, p, why)
				}
			}
		}
		return fs
	})
}

func (fs *findings) misanswered(z *zone, s *server, p probe, why string) {
	text := fmt.Sprintf("%s answers wrongly when it is asked for %s", s, p.what)
	evidence := Evidence{s.String(), dns.Type(p.qtype).String() + " " + p.name.Bare(), why}
	if p.qtype == dns.TypeSOA {
		fs.add("edns-odd", z.apex.Bare(), text, "", evidence)
		return
	}
	fs.add("negative-wrong", z.apex.Bare(), text, "", evidence)
}

// probe asks one question and says what is wrong with the answer.
func (r *run) probe(ctx context.Context, apex delegation.Name, s *server, p probe) string {
	m := new(dns.Msg).SetQuestion(p.name.String(), p.qtype)
	m.RecursionDesired = false
	m.SetEdns0(p.buffer, false)
	m.IsEdns0().SetVersion(p.version)
	answer, _, err := network(r.client.UDP, "udp").ExchangeContext(ctx, m, s.addr.String())
	if err != nil {
		return words(&delegation.Error{Type: p.qtype, Name: p.name, Server: s.addr, Err: err})
	}
	return p.wrong(answer, apex)
}
