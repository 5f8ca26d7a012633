package trace

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"certctl/delegation"
)

// ask puts the questions of a zone to its servers.
func (z *Zone) ask(ctx context.Context, r *delegation.Resolver) {
	if len(z.Looks) == 0 {
		return
	}
	var servers []delegation.Server
	if slices.ContainsFunc(z.Looks, func(l *Look) bool { return !l.Sample }) {
		servers, z.Warnings, z.Err = r.Servers(ctx, z.Apex, !z.holds())
	}
	if z.Err != nil { // those that the zone above names have something to say about it
		servers, _, _ = r.Servers(ctx, z.Apex, true)
	}
	var wg sync.WaitGroup
	for _, l := range z.Looks {
		wg.Go(func() { l.ask(ctx, r, z, servers) })
	}
	wg.Wait()
}

// ask puts one question to the servers. An answer that shows no serial number
// is followed by the question for it, which is the same for all names.
func (l *Look) ask(ctx context.Context, r *delegation.Resolver, z *Zone, servers []delegation.Server) {
	if l.Sample {
		servers = l.sampled(r, servers)
	}
	for _, o := range r.Observe(ctx, z.Apex, servers, l.Name, l.Type) {
		l.Answers = append(l.Answers, Answer{Observation: o})
	}
	if l.Purpose == Follow {
		l.askSerials(ctx, r, z)
	}
	for i := range l.Answers {
		l.Answers[i].Fault = l.fault(&l.Answers[i])
	}
	if l.Purpose != Refer {
		l.compare()
	}
}

// sampled returns the server that the way leads over: the one that made the
// step, or was asked whether there is one.
func (l *Look) sampled(r *delegation.Resolver, servers []delegation.Server) []delegation.Server {
	if l.Step != nil {
		return []delegation.Server{{Name: l.Step.ServerName, Addrs: []netip.AddrPort{l.Step.Server}}}
	}
	if asked := r.Asked(servers, l.Name, l.Type); len(asked) > 0 {
		return asked
	}
	return servers[:min(1, len(servers))]
}

// askSerials asks those for the zone's serial number who have given an answer
// without.
func (l *Look) askSerials(ctx context.Context, r *delegation.Resolver, z *Zone) {
	var servers []delegation.Server
	var unknown []*Answer
	for i := range l.Answers {
		if a := &l.Answers[i]; a.Err == nil && a.Zone == "" {
			servers, unknown = append(servers, a.Server), append(unknown, a)
		}
	}
	for i, o := range r.Observe(ctx, z.Apex, servers, z.Apex, "SOA") {
		if o.Err == nil {
			unknown[i].Zone, unknown[i].Serial = o.Zone, o.Serial
		}
	}
}

// fault says what is wrong with an answer by itself.
func (l *Look) fault(a *Answer) string {
	switch {
	case a.NoRoute():
		return ""
	case a.Err != nil:
		return a.Trouble()
	case l.Purpose == Refer:
		return l.misreferral(a)
	case l.Purpose == Follow && a.AliasTo == "":
		return "has no alias there"
	case l.Purpose == Follow && a.AliasTo != l.Step.To:
		return "has an alias to " + a.AliasTo.Bare()
	case l.Purpose == Place && a.Cut != "":
		return "refers to zone " + a.Cut.Bare()
	case l.Purpose == Place && a.AliasTo != "" && !l.pinned:
		return fmt.Sprintf("has a %s to %s", a.AliasType, a.AliasTo.Bare())
	}
	return ""
}

// misreferral says what is wrong with an answer of the parent's server, which
// may serve the child as well.
func (l *Look) misreferral(a *Answer) string {
	switch {
	case a.Proxied || len(l.Step.ServerNames) == 0:
		return ""
	case a.Cut != "" && a.Cut != l.Name:
		return "refers to zone " + a.Cut.Bare()
	case len(a.ServerNames) == 0:
		return "does not refer to " + l.Name.Bare()
	case a.Cut != "" && !slices.Equal(a.ServerNames, l.Step.ServerNames):
		return "refers to other servers: " + words(a.ServerNames)
	}
	return ""
}

func words(names []delegation.Name) string {
	text := make([]string, len(names))
	for i, n := range names {
		text[i] = n.Bare()
	}
	return strings.Join(text, ", ")
}

// compare finds the servers that are behind the newest serial number, and
// those that contradict the first about whether the name exists.
func (l *Look) compare() {
	var first *Answer
	newest := uint32(0)
	for i := range l.Answers {
		a := &l.Answers[i]
		if a.Fault != "" || a.Err != nil {
			continue
		}
		if first == nil {
			first, newest = a, a.Serial
		}
		if newer(a.Serial, newest) {
			newest = a.Serial
		}
	}
	for i := range l.Answers {
		a := &l.Answers[i]
		switch {
		case a.Fault != "" || a.Err != nil:
		case a.Rcode != first.Rcode:
			a.Fault = fmt.Sprintf("says %s where %s says %s", a.Rcode, first.who(), first.Rcode)
		case a.Zone != first.Zone:
			a.Fault = fmt.Sprintf("shows %s, %s %s", a.soa(), first.who(), first.soa())
		case a.Serial != newest && !a.Proxied:
			a.Fault = fmt.Sprintf("is behind: the newest serial is %d", newest)
		}
	}
}

// soa names the SOA record shown.
func (a *Answer) soa() string {
	if a.Zone == "" {
		return "no SOA record"
	}
	return "that of zone " + a.Zone.Bare()
}

// newer compares serial numbers as RFC 1982 says.
func newer(a, b uint32) bool { return a != b && int32(a-b) > 0 }

// who names the server.
func (a *Answer) who() string {
	if a.Server.Name != "" {
		return a.Server.Name.Bare()
	}
	return a.addr()
}

// addr returns the address, with the port if it is unusual.
func (a *Answer) addr() string {
	if addr := a.Server.Addrs[0]; addr.Port() != 53 {
		return addr.String()
	}
	return a.Server.Addrs[0].Addr().String()
}
