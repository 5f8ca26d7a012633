package check

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dnssec"
	"certctl/http01"
	"certctl/persist"
)

// Name is one identifier of a certificate, and what is planned for it.
type Name struct {
	Domain string // as in the order, with "*." for a wildcard
	Follow delegation.Follow
	CA     *CA // that is to issue; nil: nothing is known of it

	Method string // of validation; "": dns-01
	Prefix string // labels before the domain at which its records are; "": _acme-challenge
	Err    error  // why the Prefix is not known, or with it, what a record that stays has to say

	Direct *Direct // how the CA is answered where that is not by a record; else nil

	Persist    *persist.Need // what such a record has to say; nil: the records are for one order
	PersistFor time.Duration // how long such records of ours are good; 0: for good
}

// Same reports whether another name of a certificate is this one, and the same is
// planned for it.
func (n Name) Same(m Name) bool {
	direct := n.Direct == nil && m.Direct == nil || n.Direct != nil && m.Direct != nil && n.Direct.same(m.Direct)
	return n.Domain == m.Domain && n.Follow == m.Follow && n.CA == m.CA && n.Method == m.Method && direct
}

// Validation returns the name at which CAs begin to look for the records.
func (n Name) Validation() (delegation.Name, error) {
	if n.Err != nil && n.Prefix == "" {
		return "", n.Err
	}
	return delegation.ValidationName(cmp.Or(n.Prefix, "_acme-challenge"), n.Domain)
}

// CA is what is known of a certificate authority.
type CA struct {
	Directory  string   // its URL
	Identities []string // its names in CAA records; none: not known
	Account    string   // URL of our account there, "" if there is none
	Err        error    // why its directory could not be read, or nil
}

// Checker looks.
type Checker struct {
	Resolver    *delegation.Resolver
	Client      *delegation.Client
	Credentials dns01.Credentials

	// Anchors are the trust anchors of DNSSEC; none: those of the Internet's
	// root, unless the whole DNS is a private one.
	Anchors dnssec.Anchors

	// Lab is set where name servers are where nobody but this host reaches
	// them, and are meant to be.
	Lab bool

	// Journal, if there is one, makes Check write: a canary at every owner.
	// It keeps what was written until that is removed.
	Journal Journal

	// Place, if there is one, makes Check write: it puts a file into the directory
	// for http-01 below a webroot. What it returns is to be seen there until it is
	// removed again.
	Place func(webroot string) (answer http01.Answer, remove func() error, err error)
}

// Journal remembers records that are, or may be, in the DNS, also after a
// crash.
type Journal interface {
	Add([]dns01.Removal) error
	Remove([]dns01.Removal) error
}

// Check looks at everything there is to know about names before they are
// ordered, and says what it finds. The error is that of ctx: whatever else goes
// wrong is a finding.
func (c *Checker) Check(ctx context.Context, names []Name) (*Report, error) {
	r := &run{Checker: c, client: c.Client}
	r.locate(ctx, names)  // where does each record belong?
	r.lookAtDoors(ctx)    // does the CA get to those who answer it directly?
	r.lookAtAliases(ctx)  // what led there, and where does it lead?
	r.lookForLasting(ctx) // does a record stand that makes writing needless?
	r.lookAtGrants(ctx)   // who may write there, and what else with that key?
	r.survey(ctx)         // does every server of every zone on the way do its work?
	r.lookAtParents(ctx)  // do parent and child agree on who serves it?
	r.lookAtRecords(ctx)  // do all servers say the same of each name on the way?
	r.lookAtSerials()     // how do changes get around?
	r.lookAtCAA(ctx)      // may the CA issue?
	r.lookAtDNSSEC(ctx)   // does a validating resolver believe all this?
	r.releaseCanary(ctx)  // does it work?
	return r.report(names), context.Cause(ctx)
}

// Keys looks only at who may write the validation records of names, and what else
// with that key. The error is that of ctx.
func (c *Checker) Keys(ctx context.Context, names []Name) (*Report, error) {
	r := &run{Checker: c, client: c.Client}
	r.locate(ctx, names)
	r.lookAtGrants(ctx)
	return r.report(names), context.Cause(ctx)
}

// report returns what was found, each thing once: a name may be in several
// certificates.
func (r *run) report(names []Name) *Report {
	report := &Report{}
	for _, n := range names {
		if !slices.Contains(report.Domains, n.Domain) {
			report.Domains = append(report.Domains, n.Domain)
		}
	}
	known := make(map[string]findings) // by name
	for _, f := range r.findings {
		if !slices.ContainsFunc(known[f.Name], f.same) {
			known[f.Name] = append(known[f.Name], f)
			report.Findings = append(report.Findings, f)
		}
	}
	return report
}

// run is one call of Check.
type run struct {
	*Checker
	client   *delegation.Client // after the survey, one that does not wait for dead servers
	places   []*place
	direct   []*place // those of names that no record proves
	ownRoot  bool     // the root is a private one; set where there are no places
	zones    []*zone
	findings findings
}

// atOnce is how many things are looked at at the same time.
const atOnce = 16

// each looks at several things at the same time. What it finds is in their
// order.
func each[T any](r *run, things []T, look func(T) findings) {
	found := make([]findings, len(things))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i, thing := range things {
		g.Go(func() error {
			found[i] = look(thing)
			return nil
		})
	}
	g.Wait()
	for _, fs := range found {
		r.findings = append(r.findings, fs...)
	}
}

// together does things at the same time.
func together(things []func()) {
	var wg sync.WaitGroup
	for _, do := range things {
		wg.Go(do)
	}
	wg.Wait()
}
