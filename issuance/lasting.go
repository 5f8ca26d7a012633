package issuance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/txt"
	"certctl/persist"
)

// need is what the records at a place have to say to prove all names of the
// order whose records are there; nil where they are for this order only.
func (j *job) need(p place) *persist.Need {
	var need *persist.Need
	for _, z := range j.recorded() {
		if placeOf(z) != p || z.Persist == nil {
			continue
		}
		if need == nil {
			need = &persist.Need{Issuers: z.Persist.Issuers, Accounts: z.Persist.Accounts(z.Domain)}
		}
		need.Wildcard = need.Wildcard || z.Wildcard
	}
	return need
}

// standing returns the records of the CA at a spot, as any of its servers has
// them. That all do is waited for, as for what we write.
func (i *Issuer) standing(ctx context.Context, s *spot) ([]persist.Standing, error) {
	sights, err := dns01.Look(ctx, i.Client, s.target)
	if err != nil {
		return nil, err
	}
	var values, failed []string
	for _, sight := range sights {
		if sight.Answer != "" {
			failed = append(failed, fmt.Sprintf("%s (%v): %s", sight.Server.Name.Bare(), sight.Server.Addrs[0], sight.Answer))
		}
		values = append(values, sight.Values...)
	}
	if len(failed) == len(sights) {
		return nil, fmt.Errorf("no server of zone %s says whether %s has a record: %s", s.target.Zone, s.target.Owner, strings.Join(failed, ", "))
	}
	slices.Sort(values)
	return s.need.Judge(slices.Compact(values), time.Now()), nil
}

// lasting returns the record for a spot where records stay: one that stands, or
// else a new one, for which alone a credential is needed.
func (i *Issuer) lasting(ctx context.Context, j *job, s *spot) (record, error) {
	best := persist.Best(s.standing)
	if best != nil && !best.EndsBefore(time.Now().Add(j.PersistFor/3)) {
		return i.stands(j, s, best), nil
	}
	grant, err := i.grant(ctx, s.target)
	switch {
	case err == nil && grant.Credential.Capacity(s.target.Owner) > 0:
		err = &fleetingError{label: grant.Credential.Label, owner: s.target.Owner}
	case err == nil:
		return i.renewed(j, s, grant), nil
	}
	none, ok := errors.AsType[*dns01.NoCredentialError](err)
	switch {
	case ok && best != nil:
		return i.stands(j, s, best), nil
	case ok:
		return record{}, &PersistError{Owner: s.target.Owner, Record: s.need.Record(j.persistUntil()), Standing: s.standing, err: none}
	}
	return record{}, err
}

// stands returns a record that is there.
func (i *Issuer) stands(j *job, s *spot, best *persist.Standing) record {
	if best.EndsBefore(time.Now().Add(persist.EndsSoon)) {
		i.tell(Warned{Certificate: j.Certificate, Text: fmt.Sprintf("the record at %s ends on %s, and the CA wants another one then: certctl delegate --challenge dns-persist-01 prints it",
			s.target.Owner.Bare(), best.Until.UTC().Format(time.DateOnly))})
	}
	return record{Placement: Placement{Grant: dns01.Grant{Target: s.target}, Standing: true, Lasting: true}, value: best.Value}
}

// renewed returns a new record, in the place of those of ours that have ended.
func (i *Issuer) renewed(j *job, s *spot, g dns01.Grant) record {
	r := record{Placement: Placement{Grant: g, Lasting: !i.Transient}, value: s.need.Record(j.persistUntil()).String()}
	for _, old := range s.standing {
		if old.Flaw == persist.Expired {
			r.outdated = append(r.outdated, old.Value)
		}
	}
	return r
}

// persistUntil is when a new record ends; zero for never. All those of an hour
// are the same.
func (j *job) persistUntil() time.Time {
	if j.PersistFor == 0 {
		return time.Time{}
	}
	return time.Now().Add(j.PersistFor).Truncate(time.Hour)
}

// fleetingError says that a service would give up a record that is to stay.
type fleetingError struct {
	label string
	owner delegation.Name
}

func (e *fleetingError) Error() string {
	return fmt.Sprintf("%s keeps only its newest values at %s, and a record of dns-persist-01 has to stay", e.label, e.owner.Bare())
}

// Hint says what to do in place of that.
func (e *fleetingError) Hint() string {
	return "use another challenge for this name, or let its _validation-persist lead to a zone of another provider"
}

// PersistError says that no record lets the CA issue to us for good, and that
// we may not write one.
type PersistError struct {
	Owner    delegation.Name
	Record   persist.Record     // that would
	Standing []persist.Standing // records for the CA that do not

	err *dns01.NoCredentialError
}

func (e *PersistError) Error() string {
	text := fmt.Sprintf("no record at %s lets the CA issue to this account", e.Owner.Bare())
	for _, s := range e.Standing {
		text += fmt.Sprintf("; %q %s", s.Value, s.Judgement())
	}
	return fmt.Sprintf("%s; %v", text, e.err)
}

func (e *PersistError) Unwrap() error { return e.err }

// Hint says that one record is enough.
func (e *PersistError) Hint() string {
	return fmt.Sprintf("have this record added once, and no credential is needed:\n%s 3600 IN TXT %s", e.Owner, txt.Quote(e.Record.String()))
}
