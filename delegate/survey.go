package delegate

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"

	"certctl/delegation"
)

// Survey asks authoritative servers what there is where the plan wants its
// records, and fills in what the plan did not know. What it cannot find out is
// a warning, too: nothing is taken for a no.
type Survey struct {
	Resolver *delegation.Resolver
	Client   *delegation.Client
	Port     uint16 // of name servers; 0: 53
}

// Run surveys a plan.
func (s *Survey) Run(ctx context.Context, p *Plan) {
	each(len(p.Hosts), func(i int) { s.host(ctx, &p.Hosts[i]) })
	each(len(p.Delegations), func(i int) { s.delegation(ctx, p, p.Delegations[i]) })
	if ctx.Err() != nil {
		return
	}
	s.targets(p)
	for _, h := range p.Hosts {
		s.serving(ctx, p, h)
	}
}

// atOnce is how many names are looked at side by side.
const atOnce = 32

// each calls do for each number below n, and returns when all are done.
func each(n int, do func(i int)) {
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i := range n {
		g.Go(func() error {
			do(i)
			return nil
		})
	}
	g.Wait()
}

// host finds the zone that a name server's name is in, and its addresses.
func (s *Survey) host(ctx context.Context, h *Host) {
	if t, err := s.Resolver.Resolve(ctx, h.Name, delegation.Follow{Never: true}); err == nil {
		h.Zone, h.servers = t.Zone, t.Servers
	}
}

// delegation surveys one challenge name and its target. The main zone is the
// one that the domain is in, also where the challenge name is a zone already.
func (s *Survey) delegation(ctx context.Context, p *Plan, d *Delegation) {
	main, err := s.Resolver.Resolve(ctx, d.base(), delegation.Follow{Never: true})
	if err != nil {
		d.warn("what the DNS says about %s now is not known: %v", d.Domain, err)
		return
	}
	d.Zone = main.Zone
	if addrs, err := s.Resolver.Primary(ctx, d.Zone); err == nil {
		d.Primary = addrs[0]
	}
	if p.caa != nil {
		s.caa(ctx, p, d, main)
	}
	s.challenge(ctx, p, d, main)
	if p.To != "" {
		s.target(ctx, d)
	}
}

// caa looks at what is where the CAA records are to be.
func (s *Survey) caa(ctx context.Context, p *Plan, d *Delegation, main *delegation.Target) {
	rrs, err := s.ask(ctx, main.Servers, d.base(), dns.TypeCAA)
	if err != nil {
		d.warn("whether there are CAA records at %s is not known: %v", d.Domain, err)
		return
	}
	for _, rr := range rrs {
		switch rr := rr.(type) {
		case *dns.CNAME:
			d.Alias = true
			d.warn("%s is an alias (CNAME): CAA records cannot be beside it, they belong at the name it leads to", d.Domain)
			return
		case *dns.CAA:
			if !p.wants(d, rr) {
				d.warn("%s has the CAA record %d %s %q already: as long as it is there, it lets issue, too", d.Domain, rr.Flag, rr.Tag, rr.Value)
			}
		}
	}
}

// wants reports whether an existing CAA record is as planned, or none that lets
// anybody issue.
func (p *Plan) wants(d *Delegation, rr *dns.CAA) bool {
	allows := strings.HasPrefix(rr.Tag, "issue") && strings.Trim(rr.Value, "; ") != ""
	return !allows || slices.ContainsFunc(p.RecordsFor(d), func(r Record) bool {
		want, err := dns.NewRR(r.String())
		return err == nil && dns.IsDuplicate(rr, want)
	})
}

// challenge compares what is at the challenge name with what is planned.
func (s *Survey) challenge(ctx context.Context, p *Plan, d *Delegation, main *delegation.Target) {
	now, err := s.Resolver.Trace(ctx, d.Challenge, delegation.Follow{})
	if err != nil {
		d.warn("where %s leads now is not known: %v", d.Challenge.Bare(), err)
	}
	place := now
	if now.Explicit != nil {
		place = now.Explicit
	}
	if p.standing != nil {
		if err == nil {
			s.standing(ctx, p, d, now)
		}
		return
	}
	switch alias, cut := aliasAt(now, d.Challenge), cutAt(now, d.Challenge); {
	case alias != nil && alias.Type == "DNAME":
		d.warn("%s is below a DNAME, an alias for %s: there can be no records of its own", d.Challenge.Bare(), alias.To.Bare())
		return
	case alias != nil:
		d.Present = p.To != "" && alias.To == d.Owner
		if !d.Present {
			d.warn("%s is an alias for %s already (%s): the new records replace it, they cannot be beside it", d.Challenge.Bare(), alias.To.Bare(), alias.Type)
		}
		return
	case cut != nil:
		d.Present = p.To == "" && slices.Equal(cut.ServerNames, p.hostNames())
		if !d.Present {
			d.warn("%s is a zone of its own already, delegated to %s: remove what is not wanted of that", d.Challenge.Bare(), join(cut.ServerNames))
		}
		return
	case err != nil:
		return
	}
	d.Warnings = append(d.Warnings, place.Warnings...)
	s.beside(ctx, p, d, main)
}

// standing finds out where a record that stays belongs, and whether it is there.
func (s *Survey) standing(ctx context.Context, p *Plan, d *Delegation, now *delegation.Target) {
	d.Warnings = append(d.Warnings, now.Warnings...)
	if now.Owner != d.Challenge && now.Explicit == nil {
		d.warn("%s is an alias for %s: the record belongs there, in zone %s", d.Challenge.Bare(), now.Owner.Bare(), now.Zone.Bare())
		d.Owner = now.Owner
	}
	d.TargetZone = now.Zone
	if now.Zone != d.Zone && p.caa != nil {
		d.warn("the CAA records belong in zone %s, and the TXT record in zone %s", d.Zone.Bare(), now.Zone.Bare())
	}
	if d.Zone = now.Zone; now.Explicit != nil {
		d.Zone = now.Explicit.Zone
	}
	if addrs, err := s.Resolver.Primary(ctx, d.Zone); err == nil {
		d.Primary = addrs[0]
	}
	rrs, err := s.ask(ctx, now.Servers, d.Owner, dns.TypeTXT)
	if err != nil {
		d.warn("whether the record is at %s already is not known: %v", d.Owner.Bare(), err)
		return
	}
	want := p.standing(d.Domain, d.wildcard())
	d.Present = slices.ContainsFunc(rrs, func(rr dns.RR) bool {
		txt, ok := rr.(*dns.TXT)
		return ok && strings.Join(txt.Txt, "") == want
	})
}

// beside warns of TXT records that a delegation would clash with or hide.
func (s *Survey) beside(ctx context.Context, p *Plan, d *Delegation, main *delegation.Target) {
	rrs, err := s.ask(ctx, main.Servers, d.Challenge, dns.TypeTXT)
	if err != nil {
		d.warn("whether there are TXT records at %s is not known: %v", d.Challenge.Bare(), err)
		return
	}
	stale := 0
	for _, rr := range rrs {
		if rr.Header().Rrtype == dns.TypeTXT && dns.CanonicalName(rr.Header().Name) == string(d.Challenge) {
			stale++
		}
	}
	switch {
	case stale > 0 && p.To != "":
		d.warn("%s has TXT records (%d): a CNAME cannot be beside them, and some servers drop it without a word; remove them first", d.Challenge.Bare(), stale)
	case stale > 0:
		d.warn("%s has TXT records (%d): the delegation hides them; remove them", d.Challenge.Bare(), stale)
	}
}

// target looks at the place that a CNAME is to lead to.
func (s *Survey) target(ctx context.Context, d *Delegation) {
	t, err := s.Resolver.Resolve(ctx, d.Owner, delegation.Follow{})
	switch {
	case err != nil:
		d.warn("%s, where the record will be, cannot be found: %v", d.Owner.Bare(), err)
		return
	case t.Owner != d.Owner:
		d.warn("%s is itself an alias, for %s", d.Owner.Bare(), t.Owner.Bare())
		return
	case t.Zone == d.Zone:
		d.warn("%s is in zone %s, like %s itself: the key is then one of the main zone", d.Owner.Bare(), t.Zone.Bare(), d.Domain)
	}
	d.TargetZone = t.Zone
}

// targets warns, once, of a target zone that is none.
func (s *Survey) targets(p *Plan) {
	for _, d := range p.Delegations {
		if p.To != "" && d.TargetZone != p.To {
			p.warn("%s is no zone of its own: %s would be in zone %s; make it a zone, with a key for nothing else", p.To.Bare(), d.Owner.Bare(), d.TargetZone.Bare())
			return
		}
	}
}

// serving checks that a name server is ready for the zones it is to serve. One
// that does not answer is asked once.
func (s *Survey) serving(ctx context.Context, p *Plan, h Host) {
	addrs := s.addresses(ctx, h)
	if len(addrs) == 0 {
		p.warn("%s has no address that can be found: give it, --ns %s=ADDRESS, where its zone does not have it yet", h.Name.Bare(), h.Name.Bare())
	}
	for _, a := range addrs {
		for _, d := range p.Delegations {
			m, err := s.Client.Ask(ctx, a, d.Challenge, dns.TypeSOA, false)
			if err != nil {
				p.warn("%s (%s) does not answer: %v", h.Name.Bare(), a.Addr(), err)
				break
			}
			if !m.Authoritative || len(m.Answer) == 0 {
				d.warn("%s (%s) does not serve zone %s yet: set it up there before the records are added", h.Name.Bare(), a.Addr(), d.Challenge.Bare())
			}
		}
	}
}

// addresses returns the addresses of a name server: those given, or those in
// its zone.
func (s *Survey) addresses(ctx context.Context, h Host) []netip.AddrPort {
	ips := slices.Clone(h.Addrs)
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		if len(h.Addrs) > 0 || len(h.servers) == 0 {
			break
		}
		rrs, _ := s.ask(ctx, h.servers, h.Name, qtype)
		for _, rr := range rrs {
			switch rr := rr.(type) {
			case *dns.A:
				ips = append(ips, netip.AddrFrom4([4]byte(rr.A.To4())))
			case *dns.AAAA:
				ips = append(ips, netip.AddrFrom16([16]byte(rr.AAAA)))
			}
		}
	}
	addrs := make([]netip.AddrPort, len(ips))
	for i, ip := range ips {
		addrs[i] = netip.AddrPortFrom(ip, cmp.Or(s.Port, 53))
	}
	return addrs
}

// ask returns the first usable answer of a zone's servers.
func (s *Survey) ask(ctx context.Context, servers []delegation.Server, name delegation.Name, qtype uint16) ([]dns.RR, error) {
	err := fmt.Errorf("no server has an address")
	for _, server := range servers {
		for _, addr := range server.Addrs {
			var m *dns.Msg
			m, err = s.Client.Ask(ctx, addr, name, qtype, false)
			switch {
			case err != nil:
			case m.Authoritative && (m.Rcode == dns.RcodeSuccess || m.Rcode == dns.RcodeNameError):
				return m.Answer, nil
			default:
				err = fmt.Errorf("%s answered %s", addr, dns.RcodeToString[m.Rcode])
			}
		}
	}
	return nil, err
}

// aliasAt returns the step that an explicit alias at the challenge name makes.
func aliasAt(t *delegation.Target, challenge delegation.Name) *delegation.Step {
	for i, s := range t.Steps {
		if s.Kind == delegation.Alias && s.From == challenge && !s.Synthesised {
			return &t.Steps[i]
		}
	}
	return nil
}

// cutAt returns the step into the challenge name as a zone.
func cutAt(t *delegation.Target, challenge delegation.Name) *delegation.Step {
	for i, s := range t.Steps {
		if s.Kind == delegation.Cut && s.To == challenge {
			return &t.Steps[i]
		}
	}
	return nil
}

func (p *Plan) hostNames() []delegation.Name {
	names := make([]delegation.Name, len(p.Hosts))
	for i, h := range p.Hosts {
		names[i] = h.Name
	}
	slices.Sort(names)
	return names
}

func (d *Delegation) warn(format string, args ...any) {
	d.Warnings = append(d.Warnings, fmt.Sprintf(format, args...))
}

func join(names []delegation.Name) string {
	words := make([]string, len(names))
	for i, n := range names {
		words[i] = n.Bare()
	}
	return strings.Join(words, ", ")
}
