package issuance

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"certctl/acme"
	"certctl/delegation"
	"certctl/dns01"
	"certctl/persist"
)

// concurrentNames bounds how many names of an order are resolved at once.
const concurrentNames = 32

// records returns the record for each name of an order that one proves. The
// errors of all names are joined, so that everything that is wrong with an
// order is seen at once.
func (i *Issuer) records(ctx context.Context, j *job) ([]record, error) {
	spots, err := i.spots(ctx, j)
	if err != nil {
		return nil, err
	}
	var records []record
	var errs []error
	for _, authz := range j.recorded() {
		s := spots[placeOf(authz)]
		r, err := i.record(ctx, j, authz, s)
		if err != nil {
			errs = append(errs, &nameError{authz.Name(), err})
			continue
		}
		r.Name = authz.Name()
		i.warn(j, r.Name, s.target, r.Grant)
		records = append(records, r)
	}
	return records, errors.Join(errs...)
}

// record finds out what has to be written for an authorization, and with what.
func (i *Issuer) record(ctx context.Context, j *job, z *acme.Authorization, s *spot) (record, error) {
	if s.need != nil {
		return i.lasting(ctx, j, s)
	}
	grant, err := i.grant(ctx, s.target)
	return record{Placement: Placement{Grant: grant}, value: z.Value}, err
}

// grant finds the credential for a target, and sees to it that its secret can
// be read.
func (i *Issuer) grant(ctx context.Context, t *delegation.Target) (dns01.Grant, error) {
	grant, err := i.Credentials.For(t)
	if err != nil {
		return grant, err
	}
	if err := grant.Credential.Prepare(ctx); err != nil {
		return grant, fmt.Errorf("%s: %w", grant.Credential.Label, err)
	}
	return grant, nil
}

// spot is where the records for one place have to be written.
type spot struct {
	target   *delegation.Target
	need     *persist.Need      // what they have to say, where they stay; else nil
	standing []persist.Standing // then those of the CA that are there
}

// spots finds the spots of all places where records are looked for.
func (i *Issuer) spots(ctx context.Context, j *job) (map[place]*spot, error) {
	places := j.places()
	spots := make([]*spot, len(places))
	errs := make([]error, len(places))
	var g errgroup.Group
	g.SetLimit(concurrentNames)
	for n, p := range places {
		g.Go(func() (err error) {
			if spots[n], err = i.spot(ctx, j, p); err != nil {
				errs[n] = &nameError{p.domain, err}
			}
			return nil
		})
	}
	_ = g.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx) // once, and not for each place
	}
	found := make(map[place]*spot)
	for n, p := range places {
		found[p] = spots[n]
	}
	return found, errors.Join(errs...)
}

// spot resolves one place, and looks what stands there where that matters.
func (i *Issuer) spot(ctx context.Context, j *job, p place) (*spot, error) {
	target, err := i.target(ctx, j, p)
	if err != nil {
		return nil, err
	}
	s := &spot{target: target, need: j.need(p)}
	if s.need != nil {
		s.standing, err = i.standing(ctx, s)
	}
	return s, err
}

// target finds where the records for one place have to be written.
func (i *Issuer) target(ctx context.Context, j *job, p place) (*delegation.Target, error) {
	challenge, err := delegation.ValidationName(p.prefix, p.domain)
	if err != nil {
		return nil, err
	}
	follow, err := ParseFollow(j.Follow[p.domain])
	if err != nil {
		return nil, err
	}
	target, err := i.Resolver.Resolve(ctx, challenge, follow)
	if err != nil {
		return nil, err
	}
	return target, nil
}

// warn tells what is odd about the place that was chosen.
func (i *Issuer) warn(j *job, name string, resolved *delegation.Target, g dns01.Grant) {
	if g.Target != resolved {
		i.tell(Warned{j.Certificate, name, fmt.Sprintf(
			"the alias of %s for %s comes from a wildcard, and no credential covers its target: a record of its own ends it",
			resolved.Challenge, resolved.Owner)})
	}
	for _, w := range g.Target.Warnings {
		i.tell(Warned{j.Certificate, name, w})
	}
}
