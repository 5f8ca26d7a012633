package dns01

import (
	"context"
	"errors"
	"fmt"

	"certctl/delegation"
)

// Removal is a published record, and the scope of the credential that
// published it: all that is needed to remove it, by this run or a later one.
type Removal struct {
	Record
	Scope delegation.Name `json:"scope"`
}

// Removal returns what removes the publication.
func (p Publication) Removal() Removal {
	return Removal{Record: p.Record(), Scope: p.Credential.Scope}
}

// Remove removes exactly what was published, with the same credentials. It
// returns what is gone now, also when other zones failed; the errors of all
// zones, each a *ZoneError, are joined.
func Remove(ctx context.Context, ps []Publication) ([]Removal, error) {
	var bs batches
	rs := make([]Removal, len(ps))
	in := make([]*batch, len(ps))
	for i, p := range ps {
		rs[i] = p.Removal()
		in[i] = bs.add(p.Credential, rs[i].Record)
	}
	err := bs.each(func(b *batch) error { return b.credential.Delete(ctx, b.zone, b.records) })
	return gone(rs, in), err
}

// Remove removes exactly these journaled records. The credential is the one
// with the scope that the record was published under, and nothing is looked up
// again: a name that has come to lead elsewhere does not matter. It returns
// what is gone now, also when other zones failed; the errors of all zones are
// joined.
func (cs Credentials) Remove(ctx context.Context, journaled []Removal) ([]Removal, error) {
	var bs batches
	var rs []Removal
	var in []*batch
	var errs []error
	for _, r := range journaled {
		c, ok := cs.ByScope(r.Scope)
		if !ok {
			errs = append(errs, &NoScopeError{Removal: r})
			continue
		}
		rs, in = append(rs, r), append(in, bs.add(c, r.Record))
	}
	err := bs.each(func(b *batch) error { return b.credential.Delete(ctx, b.zone, b.records) })
	return gone(rs, in), errors.Join(append(errs, err)...)
}

// gone returns the removals whose batch, the one at the same index, succeeded.
func gone(rs []Removal, in []*batch) []Removal {
	var gone []Removal
	for i, r := range rs {
		if in[i].err == nil {
			gone = append(gone, r)
		}
	}
	return gone
}

// NoScopeError says that the configuration has lost the credential that a
// journaled record was published with.
type NoScopeError struct {
	Removal Removal
}

func (e *NoScopeError) Error() string {
	r := e.Removal
	return fmt.Sprintf("zone %s: no credential with the scope %s, which published TXT %q at %s", r.Zone, r.Scope, r.Value, r.Owner)
}

// Hint says how to be rid of the record.
func (e *NoScopeError) Hint() string {
	return fmt.Sprintf("put the entry %s back under zones: in the configuration, or remove the record at %s by hand", yamlKey(e.Removal.Scope), e.Removal.Owner)
}
