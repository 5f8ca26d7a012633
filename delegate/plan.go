package delegate

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/dns01/txt"
)

// DefaultTTL is that of the records of a plan.
const DefaultTTL = time.Hour

// Request says what to delegate where: to a zone or to hosts; or, with Standing,
// what to add so that nothing need be delegated.
type Request struct {
	Names    []string        // identifiers, as acme.ParseNames returns them
	Prefix   string          // labels before a domain that make the challenge name; "": _acme-challenge
	To       delegation.Name // by CNAME, into this zone; "": by NS
	Label    Label           // with To; nil: Readable
	Hosts    []Host          // by NS, to these name servers
	Standing Standing        // by a TXT record that stays; nil: by one of the others
	CAA      *CAA            // nil: no CAA records
	TTL      time.Duration   // 0: DefaultTTL
}

// Standing returns the value of the TXT record that lets a CA issue for a
// domain, and its wildcard if that is wanted, for as long as it is there.
type Standing func(domain string, wildcard bool) string

// Plan is what to add to which zones.
type Plan struct {
	To          delegation.Name // "": by NS, or by TXT
	Hosts       []Host          // none: by TXT
	Delegations []*Delegation   // in the order of the names
	Warnings    []string        // about the plan as a whole, in words; see Cautions

	prefix   string
	standing Standing
	caa      *CAA
	ttl      time.Duration
}

// Type is the type of the records that the plan is about: CNAME, NS or TXT.
func (p *Plan) Type() string {
	switch {
	case p.To != "":
		return "CNAME"
	case p.standing != nil:
		return "TXT"
	}
	return "NS"
}

// Delegation is one challenge name and where it is to lead.
type Delegation struct {
	Domain    string   // without "*."
	Names     []string // the domain, its wildcard or both: they share the challenge name
	Challenge delegation.Name
	Owner     delegation.Name // where the validation record will be

	labels int // of the challenge name before the domain

	// What Survey has found out.
	Zone       delegation.Name // the main zone; "": not known
	Primary    netip.AddrPort  // that takes the main zone's updates, as far as its SOA record says
	TargetZone delegation.Name // the zone that Owner is in now, or will be
	Alias      bool            // the domain is an alias: it can have no other records
	Present    bool            // the challenge name leads to Owner already
	Warnings   []string        // in words
}

// Plan works out the plan. It asks nobody.
func (r Request) Plan() (*Plan, error) {
	switch {
	case r.Standing != nil && (r.To != "" || len(r.Hosts) > 0):
		return nil, errors.New("a record that stays is not delegated")
	case r.Standing == nil && (r.To == "") == (len(r.Hosts) == 0):
		return nil, errors.New("either a zone or name servers must be given to delegate to")
	case r.CAA.check() != nil:
		return nil, r.CAA.check()
	}
	p := &Plan{To: r.To, Hosts: r.Hosts, prefix: cmp.Or(r.Prefix, "_acme-challenge"), standing: r.Standing, caa: r.CAA, ttl: cmp.Or(r.TTL, DefaultTTL)}
	for _, name := range r.Names {
		if err := p.add(name, r.Label); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	p.advise()
	return p, p.check()
}

// add adds a name: to the delegation of its challenge name, if there is one.
func (p *Plan) add(name string, label Label) error {
	domain := strings.TrimPrefix(name, "*.")
	for _, d := range p.Delegations {
		if d.Domain == domain {
			d.Names = append(d.Names, name)
			return nil
		}
	}
	challenge, err := delegation.ValidationName(p.prefix, domain)
	if err != nil {
		return err
	}
	d := &Delegation{Domain: domain, Names: []string{name}, Challenge: challenge, Owner: challenge, TargetZone: challenge, labels: strings.Count(p.prefix, ".") + 1}
	if p.To != "" {
		if label == nil {
			label = Readable
		}
		d.TargetZone = p.To
		if d.Owner, err = delegation.ParseName(label(domain) + "." + string(p.To)); err != nil {
			return err
		}
	}
	p.Delegations = append(p.Delegations, d)
	return nil
}

// check refuses what cannot work, whatever the DNS says.
func (p *Plan) check() error {
	for _, d := range p.Delegations {
		if p.To != "" && p.To.IsAtOrBelow(d.Challenge) {
			return &LoopError{Challenge: d.Challenge, To: p.To}
		}
		for _, h := range p.Hosts {
			if h.Name.IsAtOrBelow(d.Challenge) && len(h.Addrs) == 0 {
				return &GlueError{Challenge: d.Challenge, Host: h.Name}
			}
		}
	}
	return nil
}

// advise warns of what works, but badly.
func (p *Plan) advise() {
	if len(p.Hosts) == 1 {
		p.warn("there is one name server only: while it is down, no certificate can be had; give two")
	}
	if p.caa != nil {
		p.warn("CAA records hold for all names below the one that they are at, unless those have their own: other CAs and accounts are shut out there, too")
	}
	for _, h := range p.Hosts {
		for _, d := range p.Delegations {
			if h.Name.IsAtOrBelow(d.Challenge) {
				p.warn("%s is named below %s: BIND refuses address records there (check-names, because of the underscore), and the address is a copy in the main zone; better name the server outside the challenge zone", h.Name.Bare(), d.Challenge.Bare())
			}
		}
	}
}

// Cautions returns the warnings about the plan as a whole, and whose addresses
// were given in vain.
func (p *Plan) Cautions() []string {
	cautions := slices.Clone(p.Warnings)
	for _, h := range p.Hosts {
		held := slices.ContainsFunc(p.Delegations, func(d *Delegation) bool { return d.holds(h) })
		if len(h.Addrs) > 0 && !held {
			cautions = append(cautions, fmt.Sprintf("the address of %s is not among the records: as far as is known, it does not belong in the main zone, but in the zone of that name", h.Name.Bare()))
		}
	}
	return cautions
}

func (p *Plan) warn(format string, args ...any) {
	p.Warnings = append(p.Warnings, fmt.Sprintf(format, args...))
}

// base returns the domain as a name: what is above the challenge name, and in
// the main zone for certain.
func (d *Delegation) base() delegation.Name {
	base := d.Challenge
	for range d.labels {
		base = base.Parent()
	}
	return base
}

// wildcard reports whether the domain's wildcard is among the names.
func (d *Delegation) wildcard() bool { return slices.Contains(d.Names, "*."+d.Domain) }

// Records returns all records of the plan, each once.
func (p *Plan) Records() []Record {
	var all []Record
	for _, d := range p.Delegations {
		for _, r := range p.RecordsFor(d) {
			if !slices.Contains(all, r) {
				all = append(all, r)
			}
		}
	}
	return all
}

// RecordsFor returns the records that one delegation needs in its main zone.
func (p *Plan) RecordsFor(d *Delegation) []Record {
	var records []Record
	if p.To != "" {
		records = append(records, Record{Owner: d.Challenge, Type: "CNAME", Data: string(d.Owner)})
	}
	if p.standing != nil {
		records = append(records, Record{Owner: d.Owner, Type: "TXT", Data: txt.Quote(p.standing(d.Domain, d.wildcard()))})
	}
	for _, h := range p.Hosts {
		records = append(records, Record{Owner: d.Challenge, Type: "NS", Data: string(h.Name)})
	}
	for _, h := range p.Hosts {
		if d.holds(h) {
			for _, a := range h.Addrs {
				records = append(records, Record{Owner: h.Name, Type: addressType(a), Data: a.String()})
			}
		}
	}
	records = append(records, p.caa.records(d)...)
	for i := range records {
		records[i].Zone, records[i].TTL = d.Zone, p.ttl
	}
	return records
}

// holds reports whether the main zone holds the addresses of a host: as records
// of its own, or as glue where the host is below the challenge name (RFC 1034
// §4.2.1). Everything below the domain is in the main zone or below it.
func (d *Delegation) holds(h Host) bool {
	switch {
	case h.Name.IsAtOrBelow(d.Challenge):
		return true
	case d.Zone == "":
		return h.Name.IsAtOrBelow(d.base())
	case h.Zone == "":
		return h.Name.IsAtOrBelow(d.Zone)
	}
	return h.Zone == d.Zone
}

// LoopError says that a name cannot be delegated to a place below itself.
type LoopError struct {
	Challenge, To delegation.Name
}

func (e *LoopError) Error() string {
	return fmt.Sprintf("%s cannot be an alias for a name in %s, at or below itself: that is a loop", e.Challenge.Bare(), e.To.Bare())
}

// Hint says where to instead.
func (e *LoopError) Hint() string {
	return "the zone must be outside the challenge name, such as auth.example.net; to make the challenge name a zone of its own, use --ns"
}

// GlueError says that a name server cannot be found without its address.
type GlueError struct {
	Challenge, Host delegation.Name
}

func (e *GlueError) Error() string {
	return fmt.Sprintf("%s is below %s, which is to be delegated to it: nobody finds it without its address", e.Host.Bare(), e.Challenge.Bare())
}

// Hint says how to give it.
func (e *GlueError) Hint() string {
	return fmt.Sprintf("--ns %s=192.0.2.1; better still, a server named outside of the challenge zone", e.Host.Bare())
}
