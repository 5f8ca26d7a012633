package acme

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Authorization is the CA's wish to see one identifier validated.
type Authorization struct {
	URL      string
	Domain   string // without "*."; or an IP address
	Wildcard bool
	Status   Status
	Problem  *Problem // why it is not valid, once the CA says so

	Offered   []*Challenge  // in the CA's order, also those of unknown types
	Challenge *Challenge    // the one of them that Choose has chosen; nil before
	Prefix    string        // then the labels before Domain where the CA looks for a TXT record; "" where the type has none
	Value     string        // of that record; "" where Persist says what it has to be
	Persist   *PersistTerms // for dns-persist-01

	account    *Account
	retryAfter time.Time
}

// Name returns the name as it was ordered, with "*." for a wildcard.
func (z *Authorization) Name() string {
	if z.Wildcard {
		return "*." + z.Domain
	}
	return z.Domain
}

// wireAuthorization is RFC 8555 §7.1.4. Challenges of unknown types may hold
// anything, so that each is decoded on its own.
type wireAuthorization struct {
	Identifier wireIdentifier    `json:"identifier"`
	Status     Status            `json:"status"`
	Wildcard   bool              `json:"wildcard"`
	Challenges []json.RawMessage `json:"challenges"`
}

// Pending returns the authorizations that are not valid yet, in the order of
// the names. They are fetched side by side. Each is to Choose a challenge before
// it can be validated.
func (o *Order) Pending(ctx context.Context) ([]*Authorization, error) {
	zs, err := o.fetch(ctx)
	if err != nil {
		return nil, err
	}
	var pending []*Authorization
	var errs []error
	for _, z := range zs {
		switch z.Status {
		case Valid:
		case Pending, Processing:
			pending = append(pending, z)
		case Invalid, Deactivated, Expired, Revoked:
			errs = append(errs, z.refusal())
		default:
			errs = append(errs, fmt.Errorf("%s: authorization is of unknown status %q", z.Name(), z.Status))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return pending, nil
}

// fetch gets all authorizations of the order and puts them in the order of the
// names. One for a name that was not ordered would have us write where nobody
// asked us to.
func (o *Order) fetch(ctx context.Context) ([]*Authorization, error) {
	zs := make([]*Authorization, len(o.authorizations))
	for i, url := range o.authorizations {
		zs[i] = &Authorization{URL: url, account: o.Account}
	}
	if err := each(ctx, zs, (*Authorization).refresh); err != nil {
		return nil, err
	}
	for _, z := range zs {
		if o.index(z) < 0 {
			return nil, fmt.Errorf("%s: the CA wants this name validated, which was not ordered", z.Name())
		}
	}
	slices.SortStableFunc(zs, func(a, b *Authorization) int { return o.index(a) - o.index(b) })
	return zs, nil
}

func (o *Order) index(z *Authorization) int {
	return slices.IndexFunc(o.Names, func(name string) bool { return strings.EqualFold(name, z.Name()) })
}

// refresh asks the CA how the authorization stands.
func (z *Authorization) refresh(ctx context.Context) error {
	var w wireAuthorization
	header, err := z.account.post(ctx, z.URL, nil, &w)
	if err != nil {
		if z.Domain == "" {
			return fmt.Errorf("authorization %s: %w", z.URL, err)
		}
		return fmt.Errorf("%s: authorization: %w", z.Name(), err)
	}
	return z.read(&w, header)
}

func (z *Authorization) read(w *wireAuthorization, header http.Header) (err error) {
	if z.Domain, err = w.Identifier.name(); err != nil {
		return fmt.Errorf("authorization: %w", err)
	}
	z.Wildcard, z.Status = w.Wildcard, w.Status
	z.retryAfter = retryAfter(header)
	z.readChallenges(w.Challenges)
	return nil
}

// final reports whether the status will not change by waiting (RFC 8555 §7.1.6).
func (z *Authorization) final() bool { return z.Status != Pending && z.Status != Processing }

// refusal says why the authorization cannot become valid.
func (z *Authorization) refusal() error {
	if z.Problem == nil {
		return fmt.Errorf("%s: authorization is %s", z.Name(), z.Status)
	}
	return fmt.Errorf("%s: %w", z.Name(), z.Problem)
}

// Abandon deactivates the authorizations that are still pending, so that they
// do not count against the account's limits (RFC 8555 §7.5.2).
func (o *Order) Abandon(ctx context.Context) error {
	errs := make([]error, len(o.authorizations))
	var g errgroup.Group
	g.SetLimit(connections)
	for i, url := range o.authorizations {
		z := &Authorization{URL: url, account: o.Account}
		g.Go(func() error {
			errs[i] = z.deactivate(ctx)
			return nil
		})
	}
	g.Wait()
	return errors.Join(errs...)
}

func (z *Authorization) deactivate(ctx context.Context) error {
	if err := z.refresh(ctx); err != nil || z.Status != Pending {
		return err
	}
	change := struct {
		Status Status `json:"status"`
	}{Deactivated}
	if _, err := z.account.post(ctx, z.URL, change, nil); err != nil {
		return fmt.Errorf("%s: deactivate: %w", z.Name(), err)
	}
	return nil
}

// each does the same with all, a few at once, and ends with the first error.
func each(ctx context.Context, zs []*Authorization, do func(*Authorization, context.Context) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(connections)
	for _, z := range zs {
		g.Go(func() error { return do(z, ctx) })
	}
	return g.Wait()
}
