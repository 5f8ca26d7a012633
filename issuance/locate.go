package issuance

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"certctl/delegation"
	"certctl/dns01"
)

// concurrentNames bounds how many names of an order are resolved at once.
const concurrentNames = 32

// grants returns the grant for each name of an order that a record proves. The
// errors of all names are joined, so that everything that is wrong with an
// order is seen at once.
func (i *Issuer) grants(ctx context.Context, j *job) ([]dns01.Grant, error) {
	targets, err := i.targets(ctx, j)
	if err != nil {
		return nil, err
	}
	var grants []dns01.Grant
	var errs []error
	for _, authz := range j.recorded {
		grant, err := i.grant(ctx, targets[placeOf(authz)])
		if err != nil {
			errs = append(errs, &nameError{authz.Name(), err})
			continue
		}
		i.warn(j, authz.Name(), targets[placeOf(authz)], grant)
		grants = append(grants, grant)
	}
	return grants, errors.Join(errs...)
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

// targets resolves each of the places where records are looked for.
func (i *Issuer) targets(ctx context.Context, j *job) (map[place]*delegation.Target, error) {
	places := j.places()
	targets := make([]*delegation.Target, len(places))
	errs := make([]error, len(places))
	var g errgroup.Group
	g.SetLimit(concurrentNames)
	for n, p := range places {
		g.Go(func() error {
			target, err := i.target(ctx, j, p)
			if err != nil {
				errs[n] = &nameError{p.domain, err}
			}
			targets[n] = target
			return nil
		})
	}
	_ = g.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx) // once, and not for each place
	}
	found := make(map[place]*delegation.Target)
	for n, p := range places {
		found[p] = targets[n]
	}
	return found, errors.Join(errs...)
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
