package dns01

import (
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"certctl/delegation"
)

// sideBySide is how many zones are written at once. PowerDNS serves twenty TCP
// connections by default.
const sideBySide = 16

// batch is what goes to one zone with one credential in one call.
type batch struct {
	zone       delegation.Name
	credential *Credential
	records    []Record
	err        error // of the last call
}

// batches collects records by zone and credential, in the order in which the
// zones first appear. The same value at the same owner is there once.
type batches []*batch

func (bs *batches) add(c *Credential, r Record) *batch {
	b := bs.find(c, r.Zone)
	for _, have := range b.records {
		if have.Owner == r.Owner && have.Value == r.Value {
			return b
		}
	}
	b.records = append(b.records, r)
	return b
}

func (bs *batches) find(c *Credential, zone delegation.Name) *batch {
	for _, b := range *bs {
		if b.credential == c && b.zone == zone {
			return b
		}
	}
	b := &batch{zone: zone, credential: c}
	*bs = append(*bs, b)
	return b
}

// each calls do for all batches side by side, and joins the errors, each with
// its zone and credential.
func (bs batches) each(do func(*batch) error) error {
	var g errgroup.Group
	g.SetLimit(sideBySide)
	for _, b := range bs {
		g.Go(func() error {
			b.err = do(b)
			return nil
		})
	}
	g.Wait()
	var errs []error
	for _, b := range bs {
		if b.err != nil {
			errs = append(errs, &ZoneError{Zone: b.zone, Scope: b.credential.Scope, Label: b.credential.Label, Err: b.err})
		}
	}
	return errors.Join(errs...)
}

// ZoneError says that writing to one zone with one credential failed.
type ZoneError struct {
	Zone  delegation.Name
	Scope delegation.Name // of the credential that failed; "": all that is in the zone is concerned
	Label string          // of the credential
	Err   error
}

// Concerns reports whether the error is about what is done under a grant. A zone
// may have several credentials.
func (e *ZoneError) Concerns(g Grant) bool {
	return g.Target.Zone == e.Zone && (e.Scope == "" || g.Credential != nil && g.Credential.Scope == e.Scope)
}

func (e *ZoneError) Error() string { return fmt.Sprintf("zone %s with %s: %v", e.Zone, e.Label, e.Err) }
func (e *ZoneError) Unwrap() error { return e.Err }
