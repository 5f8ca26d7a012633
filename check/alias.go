package check

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// longChain is how many aliases some resolvers follow: PowerDNS's gives up
// after ten, and others count the last answer too.
const longChain = 8

// lookAtAliases judges what led to each owner, and the owner itself.
func (r *run) lookAtAliases(ctx context.Context) {
	each(r, r.located(), func(p *place) (fs findings) {
		t := p.written()
		fs.add("target", p.Domain, fmt.Sprintf("the record goes to %s in zone %s (%s)", t.Owner.Bare(), t.Zone.Bare(), way(t)), "", steps(t)...)
		if p.target.Proxied {
			fs.add("indirect", p.Domain, "authoritative servers cannot be asked from here: what is said of this name rests on resolvers, which may answer from a cache", "let this host reach port 53 of name servers, over UDP and TCP")
			return fs
		}
		r.astray(ctx, p, &fs)
		fs.chain(p)
		fs.wildcard(p)
		r.dangling(ctx, p, &fs)
		r.vanishing(ctx, p, &fs)
		return fs
	})
	r.shared()
}

// way says how a challenge is delegated.
func way(t *delegation.Target) string {
	n := len(aliases(t))
	switch {
	case n > 0:
		return count(n, "alias")
	case t.Owner != t.Challenge:
		return "as configured"
	case t.Owner == t.Zone:
		return "delegated by NS"
	}
	return "not delegated"
}

// aliases returns the steps that are aliases.
func aliases(t *delegation.Target) []delegation.Step {
	var all []delegation.Step
	for _, s := range t.Steps {
		if s.Kind == delegation.Alias {
			all = append(all, s)
		}
	}
	return all
}

// steps is what servers said on the way.
func steps(t *delegation.Target) []Evidence {
	var said []Evidence
	for _, s := range t.Steps {
		value := s.To.Bare()
		if s.Kind == delegation.Cut {
			value = list(s.ServerNames)
		}
		if s.Kind == delegation.Alias || s.To == t.Zone {
			said = append(said, Evidence{Server: s.Server.String(), Record: s.Type + " " + pick(s.Kind == delegation.Cut, s.To, s.From).Bare(), Value: value})
		}
	}
	return said
}

func pick[T any](condition bool, yes, no T) T {
	if condition {
		return yes
	}
	return no
}

// chain judges how many aliases there are.
func (fs *findings) chain(p *place) {
	if n := len(aliases(p.target)); n > longChain {
		fs.add("alias-long", p.Domain, fmt.Sprintf("%d aliases in a row lead to %s", n, p.target.Owner.Bare()),
			fmt.Sprintf("point the CNAME at %s straight at %s", p.challenge.Bare(), p.target.Owner.Bare()), steps(p.target)...)
	}
}

// astray finds a place that was configured and is not where CAs look.
func (r *run) astray(ctx context.Context, p *place, fs *findings) {
	if p.Follow == (delegation.Follow{}) {
		return
	}
	theirs, err := r.Resolver.Resolve(ctx, p.challenge, delegation.Follow{})
	if err != nil || theirs.Owner == p.target.Owner || theirs.Explicit != nil && theirs.Explicit.Owner == p.target.Owner {
		return
	}
	text := fmt.Sprintf("the record goes to %s as configured, but %s is an alias: CAs look at %s", p.target.Owner.Bare(), p.challenge.Bare(), theirs.Owner.Bare())
	if p.Follow.Never {
		fs.add("follow-never", p.Domain, text+", and servers keep no record beside an alias",
			fmt.Sprintf("remove `follow: never` for %s, or the CNAME at %s", p.Domain, p.challenge.Bare()), steps(theirs)...)
		return
	}
	fs.add("follow-elsewhere", p.Domain, text, fmt.Sprintf("point the CNAME at %s to %s, unless CAs see another DNS than this host", p.challenge.Bare(), p.target.Owner.Bare()), steps(theirs)...)
}

// wildcard says what becomes of an alias that a wildcard makes.
func (fs *findings) wildcard(p *place) {
	if p.target.Explicit == nil {
		return
	}
	from, to := p.target.Explicit.Owner.Bare(), p.target.Owner.Bare()
	if p.grant != nil && p.grant.Target == p.target.Explicit {
		fs.add("wildcard-ended", p.Domain, fmt.Sprintf("%s is an alias for %s through a wildcard only: a record of its own at %s ends that", from, to, from), "", steps(p.target)...)
		return
	}
	fs.add("alias-wildcard", p.Domain, fmt.Sprintf("%s is an alias for %s through a wildcard only, which may not have been meant for it", from, to),
		fmt.Sprintf("add the record %s CNAME %s, or set `follow: never` for %s", from, to, p.Domain), steps(p.target)...)
}

// dangling finds an alias to a name whose zone is not there. That the name
// itself does not exist is as it should be, as the record is yet to come; and so
// may be that of the names above it, where we may write.
func (r *run) dangling(ctx context.Context, p *place, fs *findings) {
	t, chain := p.target, aliases(p.target)
	if len(chain) == 0 || t.Zone.Labels() > 1 && p.grant != nil {
		return
	}
	missing := t.Owner
	for missing != t.Zone && missing.Parent() != t.Zone {
		missing = missing.Parent()
	}
	ownName := missing == t.Owner && t.Zone.Labels() > 1
	if ownName || missing == t.Zone || r.asks(ctx, t, missing) != dns.RcodeNameError {
		return
	}
	last := chain[len(chain)-1]
	fs.add("alias-dangling", p.Domain,
		fmt.Sprintf("%s is an alias for %s, but there is no %s in zone %s: whoever sets that up gets certificates for this name", last.From.Bare(), t.Owner.Bare(), missing.Bare(), t.Zone.Bare()),
		fmt.Sprintf("delegate a zone for %s from %s, or remove the CNAME at %s", t.Owner.Bare(), t.Zone.Bare(), last.From.Bare()),
		Evidence{Server: last.Server.String(), Record: last.Type + " " + last.From.Bare(), Value: last.To.Bare()},
		Evidence{Server: "servers of " + t.Zone.Bare(), Record: "CNAME " + missing.Bare(), Value: "NXDOMAIN"})
}

// asks returns the rcode of the first usable answer about a name from the
// servers of a target, or -1.
func (r *run) asks(ctx context.Context, t *delegation.Target, name delegation.Name) int {
	if m := r.ask(ctx, t.Servers, name, dns.TypeCNAME); m != nil {
		return m.Rcode
	}
	return -1
}

// askedAtOnce is how many addresses are asked the same, so that a dead one does
// not cost its timeout.
const askedAtOnce = 4

// ask returns the first usable answer of servers, or nil.
func (r *run) ask(ctx context.Context, servers []delegation.Server, name delegation.Name, qtype uint16) *dns.Msg {
	ctx, cancel := context.WithCancel(ctx)
	answers := make(chan *dns.Msg, askedAtOnce)
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel()
	n := 0
	for _, s := range servers {
		for _, a := range s.Addrs {
			if n == askedAtOnce {
				break
			}
			n++
			asking.Go(func() {
				m, err := r.client.Ask(ctx, a, name, qtype, false)
				if err != nil || !m.Authoritative || m.Rcode != dns.RcodeSuccess && m.Rcode != dns.RcodeNameError {
					m = nil
				}
				answers <- m
			})
		}
	}
	for range n {
		if m := <-answers; m != nil {
			return m
		}
	}
	return nil
}

// vanishing finds a host that exists through a wildcard only. It is gone while
// there is a record below it, which makes it an empty non-terminal (RFC 4592
// §2.2.2): foo, when _acme-challenge.foo is written below *.example.com.
func (r *run) vanishing(ctx context.Context, p *place, fs *findings) {
	t := p.written()
	above := t.Owner.Parent()
	if above == t.Zone || !above.IsAtOrBelow(t.Zone) || t.Owner == t.Zone {
		return
	}
	here := r.content(ctx, t, above)
	if here == "" || here != r.content(ctx, t, random(above)) || here != r.content(ctx, t, random(above.Parent())) {
		return
	}
	fs.add("wildcard-vanish", p.Domain,
		fmt.Sprintf("%s exists only through a wildcard: while there is a record at %s, it does not, and whatever it names is gone", above.Bare(), t.Owner.Bare()),
		fmt.Sprintf("give %s a record of its own in zone %s", above.Bare(), t.Zone.Bare()),
		Evidence{Server: "servers of " + t.Zone.Bare(), Record: "*." + above.Parent().Bare(), Value: here})
}

// content returns what a host name leads to, "" if to nothing.
func (r *run) content(ctx context.Context, t *delegation.Target, name delegation.Name) string {
	var all []string
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		m := r.ask(ctx, t.Servers, name, qtype)
		if m == nil {
			return ""
		}
		for _, rr := range m.Answer {
			if strings.EqualFold(rr.Header().Name, name.String()) {
				all = append(all, dns.Type(rr.Header().Rrtype).String()+" "+strings.TrimPrefix(rr.String(), rr.Header().String()))
			}
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}

// random returns a name below another that nobody has.
func random(n delegation.Name) delegation.Name {
	return delegation.Name(strings.ToLower(rand.Text()) + "." + n.String())
}

// shared finds owners that several challenge names lead to.
func (r *run) shared() {
	users := map[delegation.Name][]*place{}
	var owners []delegation.Name
	for _, p := range r.located() {
		o := p.owner()
		known := slices.ContainsFunc(users[o], func(q *place) bool { return q.challenge == p.challenge })
		if len(users[o]) == 0 {
			owners = append(owners, o)
		}
		if !known {
			users[o] = append(users[o], p)
		}
	}
	for _, o := range owners {
		if len(users[o]) > 1 {
			r.findings.share(o, users[o])
		}
	}
}

func (fs *findings) share(owner delegation.Name, users []*place) {
	var names []string
	for _, p := range users {
		names = append(names, strings.TrimPrefix(p.Domain, "*."))
	}
	for _, p := range users {
		fs.add("target-shared", p.Domain,
			fmt.Sprintf("%s is where the records of %s go: who can write there gets certificates for all of them", owner.Bare(), strings.Join(names, ", ")),
			"give each name a target of its own, and a key that can write there only")
	}
}
