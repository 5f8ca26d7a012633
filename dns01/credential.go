package dns01

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/libdns/libdns"

	"certctl/delegation"
)

// DefaultTTL is the TTL of a new record set for which the configuration names
// none. A validation record lives for minutes; a low TTL lets the next value
// be seen soon.
const DefaultTTL = 60 * time.Second

// Record is one validation record as published and journaled.
type Record struct {
	Zone  delegation.Name `json:"zone"`
	Owner delegation.Name `json:"owner"`
	Value string          `json:"value"`
	TTL   time.Duration   `json:"ttl"`
}

// Credential is a key together with the zone and the scope in which it may be
// used: the one way to a Provider. Everything outside is refused here, before
// the provider sees it.
type Credential struct {
	Label       string          // how the user knows it: provider and key name, never the secret
	Scope       delegation.Name // the owner names at and below this are covered
	Zone        delegation.Name // the only zone that it is for, at or above the scope; "": the scope is the zone
	TTL         time.Duration   // of new record sets; 0: DefaultTTL
	Propagation Propagation

	provider Provider
}

// NewCredential binds a provider to a scope. Without a label it takes the
// provider's own, if that is a Labeler.
func NewCredential(label string, scope delegation.Name, p Provider) *Credential {
	if l, ok := p.(Labeler); ok && label == "" {
		label = l.Label()
	}
	return &Credential{Label: label, Scope: scope, provider: p}
}

// Covers reports whether the credential may write at owner in zone: owner is at
// or below the scope, and the zone is the one that the credential is for. Which
// zone that is the configuration says, not DNS: an answer that hides a zone cut,
// or makes one up, gets no key to work on another zone than its own.
func (c *Credential) Covers(zone, owner delegation.Name) bool {
	return zone == c.Apex() && owner.IsAtOrBelow(c.Scope)
}

// Apex returns the zone that the credential is for.
func (c *Credential) Apex() delegation.Name {
	return cmp.Or(c.Zone, c.Scope)
}

// Prepare reads what the provider needs before its first call. Whoever calls it
// for all credentials first learns of a missing secret before anything is
// written; otherwise the first call does it.
func (c *Credential) Prepare(ctx context.Context) error {
	if p, ok := c.provider.(Preparer); ok {
		return p.Prepare(ctx)
	}
	return nil
}

// Capacity returns how many values can be at an owner at a time; 0 is as many as
// you like.
func (c *Credential) Capacity(owner delegation.Name) int {
	if l, ok := c.provider.(Limiter); ok {
		return l.Capacity(owner)
	}
	return 0
}

// Verifies reports whether Append reads values back.
func (c *Credential) Verifies() bool {
	_, ok := c.provider.(Verifier)
	return ok
}

// Append publishes records of one zone in one call. Where one of them is
// outside the scope the error is a *ScopeError and nothing is written.
func (c *Credential) Append(ctx context.Context, zone delegation.Name, records []Record) error {
	if err := c.admit(zone, records); err != nil {
		return err
	}
	_, err := c.provider.AppendRecords(ctx, zone.String(), convert(zone, records))
	return err
}

// Delete removes exactly these records of one zone in one call. Where one of
// them is outside the scope the error is a *ScopeError and nothing is removed.
func (c *Credential) Delete(ctx context.Context, zone delegation.Name, records []Record) error {
	if err := c.admit(zone, records); err != nil {
		return err
	}
	rrs := convert(zone, records)
	for i, rr := range rrs {
		r := rr.(libdns.RR)
		r.TTL = 0 // libdns: any TTL; the record set may have had another one before ours
		rrs[i] = r
	}
	_, err := c.provider.DeleteRecords(ctx, zone.String(), rrs)
	return err
}

// admit lets a batch through as a whole or not at all.
func (c *Credential) admit(zone delegation.Name, records []Record) error {
	for _, r := range records {
		if r.Zone != zone || !c.Covers(zone, r.Owner) {
			return &ScopeError{Label: c.Label, Scope: c.Scope, Zone: r.Zone, Owner: r.Owner}
		}
	}
	return nil
}

// convert writes records as libdns has them. A multi-string TXT is one Data.
func convert(zone delegation.Name, records []Record) []libdns.Record {
	rrs := make([]libdns.Record, len(records))
	for i, r := range records {
		rrs[i] = libdns.RR{Name: r.Owner.Relative(zone), Type: "TXT", TTL: r.TTL, Data: r.Value}
	}
	return rrs
}

// ScopeError says that a record was about to be written or removed outside the
// scope of the credential at hand. It is a defect of the program, which chose
// the credential, and not of the configuration.
type ScopeError struct {
	Label       string
	Scope       delegation.Name
	Zone, Owner delegation.Name
}

func (e *ScopeError) Error() string {
	return fmt.Sprintf("%s may write at and below %s only, not at %s in zone %s", e.Label, e.Scope, e.Owner, e.Zone)
}

// plural returns "1 value" or "3 values".
func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
