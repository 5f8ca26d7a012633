package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/dns01"
)

// use is what one credential is used for in one zone.
type use struct {
	credential *dns01.Credential
	zone       delegation.Name
	owners     []delegation.Name
	domains    []string // whose records these are, as in the order
	hosts      []string // domains of certificates that the credential covers too
}

// lookAtGrants says which credential is for which name, and tries each.
func (r *run) lookAtGrants(ctx context.Context) {
	for _, p := range r.located() {
		if p.grant != nil || p.Persist == nil && p.Err == nil {
			r.findings.granted(p, r.Credentials)
		}
	}
	each(r, r.uses(), func(u *use) (fs findings) {
		fs.wide(u)
		if r.accepted(ctx, u, &fs) {
			r.breadth(ctx, u, &fs)
		}
		return fs
	})
}

// granted says which credential covers a place.
func (fs *findings) granted(p *place, cs dns01.Credentials) {
	if p.grant == nil {
		_, err := cs.For(p.target)
		fs.add("credential-none", p.Domain, err.Error(), hint(err))
		return
	}
	c := p.grant.Credential
	fs.add("credential", p.Domain, fmt.Sprintf("%s is written with %s, for the scope %s", p.owner().Bare(), c.Label, c.Scope.Bare()), "")
}

// uses returns what each credential is used for.
func (r *run) uses() []*use {
	var all []*use
	for _, p := range r.located() {
		if p.grant == nil {
			continue
		}
		u := find(&all, p.grant.Credential, p.grant.Target.Zone)
		if !slices.Contains(u.owners, p.owner()) {
			u.owners = append(u.owners, p.owner())
		}
		u.domains = append(u.domains, p.Domain)
	}
	for _, u := range all {
		for _, p := range r.places {
			if b := p.base(); b.IsAtOrBelow(u.credential.Scope) && !slices.Contains(u.hosts, b.Bare()) && !slices.Contains(u.owners, b) {
				u.hosts = append(u.hosts, b.Bare())
			}
		}
	}
	return all
}

func find(all *[]*use, c *dns01.Credential, zone delegation.Name) *use {
	for _, u := range *all {
		if u.credential == c && u.zone == zone {
			return u
		}
	}
	u := &use{credential: c, zone: zone}
	*all = append(*all, u)
	return u
}

// wide finds a scope that takes in the hosts themselves, where delegated
// challenge names would do.
func (fs *findings) wide(u *use) {
	if len(u.hosts) == 0 {
		return
	}
	fs.add("credential-wide", u.zone.Bare(), fmt.Sprintf("%s is used for %s only, but its scope %s takes in %s itself: who has this host has their DNS", u.credential.Label, list(u.owners), u.credential.Scope.Bare(), strings.Join(u.hosts, ", ")),
		"delegate the challenge names to a zone that is for nothing else, or let the key write at "+list(u.owners)+" only and make these names its scopes, with zone: "+u.zone.Bare())
}

// tryTime is how long a server may take to be tried.
const tryTime = 30 * time.Second

// accepted finds out whether the server takes the key. Where nobody can be asked,
// it may.
func (r *run) accepted(ctx context.Context, u *use, fs *findings) bool {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	zone, label := u.zone.Bare(), u.credential.Label
	if err := u.credential.Prepare(ctx); err != nil {
		fs.add("credential-unreadable", zone, fmt.Sprintf("%s: %v", label, err), cmp.Or(hint(err), "see to it that certctl can read the secret, and that it is whole"))
		return false
	}
	err := u.credential.Ping(ctx, u.zone, u.owners)
	var refusal dns01.Refusal
	switch {
	case err == nil:
		return true
	case errors.Is(err, errors.ErrUnsupported):
		return true // what can be known without is found out next
	case errors.As(err, &refusal):
		fs.add("credential-refused", zone, fmt.Sprintf("%s: %v", label, err), cmp.Or(hint(err), "look into the server's log"))
	default:
		fs.add("credential-unreachable", zone, fmt.Sprintf("%s: %v", label, err), cmp.Or(hint(err), "updates go over TCP: may this host reach the server on that port?"))
	}
	return false
}

// breadth finds out what else the key can do.
func (r *run) breadth(ctx context.Context, u *use, fs *findings) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	b, err := u.credential.ProbeScope(ctx, u.zone, u.owners[0])
	zone, label := u.zone.Bare(), u.label()
	can := fmt.Sprintf("%s can do more than write the TXT records at %s in zone %s", label, list(u.owners), zone)
	switch wide, floor := b.Wide(), b.Floor(); {
	case errors.Is(err, errors.ErrUnsupported):
		fs.add("credential-untried", zone, err.Error(), "")
	case err != nil:
		fs.add("key-unclear", zone, fmt.Sprintf("%s: %v", label, err), "", tried(b)...)
	case u.own() && within(wide) && within(floor) && len(wide)+len(floor) > 0:
		fs.add("key-own-zone", zone, fmt.Sprintf("%s can write all of zone %s, which is for this validation record only", label, zone), "", tried(b)...)
	case len(wide) > 0:
		fs.add("key-broad", zone, can+": "+reaches(wide), narrow(u), tried(b)...)
	case slices.ContainsFunc(b.Trials, func(t dns01.Trial) bool { return !t.Refused && !t.Accepted }):
		fs.add("key-unclear", zone, fmt.Sprintf("the server does not show what %s can write", label), "", tried(b)...)
	case len(floor) > 0:
		fs.add("key-floor", zone, can+", as every key of the service can: "+reaches(floor), "", tried(b)...)
	default:
		fs.add("key-scoped", zone, fmt.Sprintf("%s can write nothing in zone %s but TXT records where they belong", label, zone), "", tried(b)...)
	}
}

// label names the credential: by its scope too, where the zone may have more of
// them.
func (u *use) label() string {
	if u.credential.Scope == u.zone {
		return u.credential.Label
	}
	return u.credential.Label + " for " + u.credential.Scope.Bare()
}

// own reports whether the zone is for one validation record only.
func (u *use) own() bool { return len(u.owners) == 1 && u.owners[0] == u.zone }

// within reports whether trials are about one zone only.
func within(trials []dns01.Trial) bool {
	return !slices.ContainsFunc(trials, func(t dns01.Trial) bool { return t.Reach == dns01.OtherZones || t.Reach == dns01.Account })
}

// reaches lists what trials are about.
func reaches(trials []dns01.Trial) string {
	var words []string
	for _, t := range trials {
		if !slices.Contains(words, string(t.Reach)) {
			words = append(words, string(t.Reach))
		}
	}
	return strings.Join(words, ", ")
}

// tried is what was asked for and answered, what was accepted first, and that
// nothing came of it.
func tried(b dns01.Breadth) []Evidence {
	var all []Evidence
	known := slices.Concat(b.Wide(), b.Floor())
	rest := slices.DeleteFunc(slices.Clone(b.Trials), func(t dns01.Trial) bool { return t.Accepted })
	for _, t := range append(known, rest...) {
		server := b.Server
		if t.Inherent {
			server = "" // nobody was asked
		}
		all = append(all, Evidence{server, t.Question, t.Answer})
	}
	if b.Serial != [2]uint32{} {
		all = append(all, Evidence{b.Server, "serial before and after", fmt.Sprintf("%d, %d", b.Serial[0], b.Serial[1])})
	}
	if b.Unseen != "" {
		all = append(all, Evidence{"", "not looked at", b.Unseen})
	}
	return all
}

// fewDomains is how many make a command that can still be read.
const fewDomains = 3

// printing is the command that prints the policy for domains.
func printing(domains []string) string {
	command := "certctl policy print"
	if len(domains) > fewDomains {
		return command
	}
	for _, d := range domains {
		if strings.HasPrefix(d, "*") {
			d = "'" + d + "'" // from the shell
		}
		command += " -d " + d
	}
	return command
}

// narrow says how to get a narrower key, and what even that can do.
func narrow(u *use) string {
	advice := fmt.Sprintf("let the key write TXT records at %s only", list(u.owners))
	policies, err := u.credential.Policies(u.zone, u.owners)
	if err != nil || len(policies) == 0 {
		return advice
	}
	print, p := printing(u.domains), policies[0]
	if p.Excess == "" {
		return fmt.Sprintf("%s; %s prints what %s must allow", advice, print, p.Server)
	}
	return fmt.Sprintf("make a narrower key: %s prints how, at %s. Even then %s", print, p.Server, p.Excess)
}
