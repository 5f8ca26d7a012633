package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"certctl/caa"
	"certctl/delegation"
)

// method is how we let the CA validate (RFC 8657 §4).
func (p *place) method() string { return cmp.Or(p.Method, "dns-01") }

// lookAtCAA finds out whether the CA may issue.
func (r *run) lookAtCAA(ctx context.Context) {
	r.directories()
	finder := &caa.Finder{Resolver: r.Resolver, Client: r.client}
	each(r, slices.Concat(r.places, r.hosts()), func(p *place) (fs findings) {
		if p.target != nil && p.target.Proxied {
			return nil // resolvers have no authority, and the finder wants it
		}
		set, err := finder.Find(ctx, p.base())
		if ctx.Err() != nil {
			return nil
		}
		fs.flaky(p, set, r.faulty())
		if err != nil {
			fs.unanswered(p, err)
			return fs
		}
		fs.judge(p, set)
		return fs
	})
}

// directories says once of each CA that it could not be asked for its names.
func (r *run) directories() {
	var told []string
	for _, p := range slices.Concat(r.places, r.direct) {
		if p.CA != nil && p.CA.Err != nil && !slices.Contains(told, p.CA.Directory) {
			told = append(told, p.CA.Directory)
			r.findings.add("ca-unreachable", host(p.CA.Directory), p.CA.Err.Error(), cmp.Or(hint(p.CA.Err), "try again later, or use --offline"))
		}
	}
}

// host returns the host of a URL.
func host(text string) string {
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		return u.Host
	}
	return text
}

// request is what the CA is about to be asked for.
func (p *place) request() caa.Request {
	q := caa.Request{Wildcard: strings.HasPrefix(p.Domain, "*."), Method: p.method()}
	if p.CA != nil {
		q.Identities, q.Account = p.CA.Identities, p.CA.Account
	}
	return q
}

// unanswered says that CAs must refuse, because they cannot know.
func (fs *findings) unanswered(p *place, err error) {
	text := err.Error()
	var evidence []Evidence
	if servers, ok := errors.AsType[*delegation.ServersError](err); ok {
		text = fmt.Sprintf("no server of zone %s can say whether %s has CAA records: a CA must not issue then", servers.Zone.Bare(), servers.Name.Bare())
		for _, e := range servers.Errs {
			evidence = append(evidence, trouble(e))
		}
	}
	fs.add("caa-unanswered", p.Domain, text, "servers must answer questions for CAA (type 257) with NOERROR or NXDOMAIN, whether there are any or not", evidence...)
}

// faulty returns the addresses that do not serve their zone at all, which has
// been said.
func (r *run) faulty() map[netip.AddrPort]bool {
	all := map[netip.AddrPort]bool{}
	for _, z := range r.zones {
		for _, s := range z.servers {
			all[s.addr] = all[s.addr] || s.err != nil
		}
	}
	return all
}

// flaky finds servers that cannot answer where others do.
func (fs *findings) flaky(p *place, set *caa.Set, faulty map[netip.AddrPort]bool) {
	var failed []Evidence
	fine := false
	for _, a := range set.Answers {
		fine = fine || a.Err == nil
		if a.Err != nil && !faulty[a.Addr] && !delegation.IsNoRoute(a.Err) {
			failed = append(failed, trouble(a.Err))
		}
	}
	if fine && len(failed) > 0 {
		fs.add("caa-flaky", p.Domain, "not every server can say whether there are CAA records: a CA that asks the wrong one refuses", "mend these servers, or remove them from the NS records", failed...)
	}
}

// judge reads the set as the CA does, at every server.
func (fs *findings) judge(p *place, set *caa.Set) {
	q := p.request()
	if set.Name == "" {
		fs.add("caa-none", p.Domain, "no CAA record binds any CA for this name", "")
		return
	}
	best, worst := caa.Judge(set.Records, q), caa.Judge(set.Records, q)
	var seen []Evidence
	for _, a := range set.Answers {
		if a.Err != nil || a.Name != set.Owner {
			continue
		}
		v := caa.Judge(a.Records, q)
		best, worst = pick(v.Allowed(), v, best), pick(v.Forbidden(), v, worst)
		seen = append(seen, answered(a)...)
	}
	if best.Allowed() && worst.Forbidden() {
		fs.add("caa-differs", p.Domain, fmt.Sprintf("the servers of %s have different CAA records: some let the CA issue, and some do not", set.Owner.Bare()),
			"see to it that all servers have the newest zone", seen...)
		return
	}
	fs.verdict(p, set, worst, seen)
}

func answered(a caa.Answer) []Evidence {
	record := dns.Type(dns.TypeCAA).String() + " " + a.Name.Bare()
	if len(a.Records) == 0 {
		return []Evidence{{at(a.Server, a.Addr), record, "none"}}
	}
	var all []Evidence
	for _, r := range a.Records {
		all = append(all, Evidence{at(a.Server, a.Addr), record, r.String()})
	}
	return all
}

// verdict says what the records mean for the CA.
func (fs *findings) verdict(p *place, set *caa.Set, v caa.Verdict, seen []Evidence) {
	at, rr := set.Owner.Bare(), v.Record.String()
	remedy := remedy(p, set, v)
	switch v.Reason {
	case caa.Granted:
		fs.add("caa-grants", p.Domain, fmt.Sprintf("CAA %s at %s lets the CA issue", rr, at), "", seen...)
	case caa.Unrestricted:
		fs.add("caa-none", p.Domain, fmt.Sprintf("the CAA records at %s do not bind CAs for this name", at), "", seen...)
	case caa.Undecided:
		fs.add("caa-undecided", p.Domain, fmt.Sprintf("the CAA records at %s let some CAs issue; whether ours is among them is not known without its directory", at), "", seen...)
	case caa.NoAccount:
		fs.add("caa-account", p.Domain, fmt.Sprintf("CAA %s at %s lets the CA issue for one account only, and we have none yet", rr, at), remedy, seen...)
	default:
		fs.add("caa-forbids", p.Domain, fmt.Sprintf("the CAA records at %s forbid it: %s", at, because(p, v)), remedy, seen...)
	}
}

// because says why a CA must refuse.
func because(p *place, v caa.Verdict) string {
	switch v.Reason {
	case caa.Critical:
		return fmt.Sprintf("%s is critical, and CAs do not know that property", v.Record)
	case caa.Nobody:
		return fmt.Sprintf("%s lets no CA issue", v.Record)
	case caa.Malformed:
		return fmt.Sprintf("%s cannot be read, and so lets no CA issue", v.Record)
	case caa.OtherMethod:
		return fmt.Sprintf("%s lets the CA validate by other methods than %s only", v.Record, p.method())
	case caa.OtherAccount:
		return fmt.Sprintf("%s is for another account than ours", v.Record)
	}
	return "they name other CAs only"
}

// remedy is the record to add.
func remedy(p *place, set *caa.Set, v caa.Verdict) string {
	if v.Reason == caa.Critical {
		return fmt.Sprintf("remove the record %s at %s, or its critical flag", v.Record, set.Owner.Bare())
	}
	if p.CA == nil || len(p.CA.Identities) == 0 {
		return fmt.Sprintf("add a CAA record for the CA at %s", set.Owner.Bare())
	}
	tag := "issue"
	if strings.HasPrefix(p.Domain, "*.") && strings.EqualFold(v.Record.Tag, "issuewild") {
		tag = "issuewild"
	}
	value := p.CA.Identities[0] + "; validationmethods=" + p.method()
	if p.CA.Account != "" {
		value += "; accounturi=" + p.CA.Account
	}
	return fmt.Sprintf("add the record %s CAA 0 %s %q", set.Owner, tag, value)
}
