package acme

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Refusal is the CA's verdict on one name.
type Refusal struct {
	Name    string
	Problem *Problem
}

// ValidationError holds the names that the CA did not validate, in the order of
// the authorizations, each with the CA's problem.
type ValidationError struct {
	Refused []Refusal
}

func (e *ValidationError) Error() string {
	lines := make([]string, len(e.Refused))
	for i, r := range e.Refused {
		lines[i] = r.Name + ": " + r.Problem.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems.
func (e *ValidationError) Unwrap() []error {
	errs := make([]error, len(e.Refused))
	for i, r := range e.Refused {
		errs[i] = r.Problem
	}
	return errs
}

// Hint returns the first remedy that is known for one of them.
func (e *ValidationError) Hint() string {
	for _, r := range e.Refused {
		if hint := r.Problem.Hint(); hint != "" {
			return hint
		}
	}
	return ""
}

// Validate tells the CA that what the chosen challenges of these authorizations
// need is there, and watches the order until it is ready. observe, if not nil, is told each
// authorization's final status. The error holds the CA's problem for each name
// that it refused, verbatim.
func (o *Order) Validate(ctx context.Context, zs []*Authorization, observe func(*Authorization)) error {
	return o.validate(ctx, zs, observe, false)
}

// ValidateSome is Validate for a part of the order's authorizations: it returns
// when these are valid, and the order waits for others.
func (o *Order) ValidateSome(ctx context.Context, zs []*Authorization, observe func(*Authorization)) error {
	return o.validate(ctx, zs, observe, true)
}

func (o *Order) validate(ctx context.Context, zs []*Authorization, observe func(*Authorization), some bool) error {
	if err := each(ctx, zs, (*Authorization).respond); err != nil {
		return err
	}
	if observe == nil {
		observe = func(*Authorization) {}
	}
	w := &watch{order: o, all: zs, open: slices.Clone(zs), observe: observe, some: some}
	return w.run(ctx)
}

// respond tells the CA to look (RFC 8555 §7.5.1). It did so already if the
// challenge is no longer pending.
func (z *Authorization) respond(ctx context.Context) error {
	if z.Challenge == nil {
		return fmt.Errorf("%s: no challenge has been chosen", z.Name())
	}
	if z.Status != Pending || z.Challenge.Status != Pending {
		return nil
	}
	_, err := z.account.post(ctx, z.Challenge.URL, struct{}{}, nil)
	if err == nil || z.overtaken(ctx, err) {
		return nil
	}
	return fmt.Errorf("%s: %w", z.Name(), err)
}

// overtaken reports whether the CA refused the response only because the
// challenge has left pending by now, so that the watch will see what became of
// it.
func (z *Authorization) overtaken(ctx context.Context, err error) bool {
	var p *Problem
	if !errors.As(err, &p) || p.RateLimited() || z.refresh(ctx) != nil {
		return false
	}
	return z.Status != Pending || z.Challenge.Status != Pending
}

// watch follows an order whose challenges have been answered.
type watch struct {
	order   *Order
	all     []*Authorization
	open    []*Authorization // not final as far as is known
	observe func(*Authorization)
	some    bool // the order waits for others too
}

// run asks for the order alone, one request for all names, until it is decided.
// Now and then, and once the order has failed, it looks at the authorizations.
func (w *watch) run(ctx context.Context) error {
	for p := newPoll(); ; {
		if err := p.wait(ctx, w.order.retryAfter); err != nil {
			return err
		}
		if err := w.order.refresh(ctx); err != nil {
			return err
		}
		switch w.order.Status { // RFC 8555 §7.1.6
		case Pending:
			if p.looks%4 != 0 && !w.some {
				continue
			}
			if err := w.look(ctx); err != nil {
				return err
			}
			if w.refused() {
				return w.conclude(ctx)
			}
			if w.some && len(w.open) == 0 {
				return nil
			}
		case Ready, Processing, Valid:
			w.succeed()
			return nil
		case Invalid:
			return w.conclude(ctx)
		default:
			return fmt.Errorf("order is of unknown status %q", w.order.Status)
		}
	}
}

// look asks for the authorizations that are open, and tells of those that no
// longer are.
func (w *watch) look(ctx context.Context) error {
	if err := each(ctx, w.open, (*Authorization).refresh); err != nil {
		return err
	}
	w.open = slices.DeleteFunc(w.open, func(z *Authorization) bool {
		if z.final() {
			w.observe(z)
		}
		return z.final()
	})
	return nil
}

func (w *watch) succeed() {
	for _, z := range w.open {
		z.Status = Valid
		w.observe(z)
	}
	w.open = nil
}

func (w *watch) refused() bool {
	return slices.ContainsFunc(w.all, func(z *Authorization) bool { return z.final() && z.Status != Valid })
}

// grace is how long the other names may take when one has failed: it is better
// to hear of all that fail in one run, as every run counts.
const grace = 10 * time.Second

func (w *watch) conclude(ctx context.Context) error {
	short, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	var err error
	for p := newPoll(); err == nil; err = p.wait(short, w.retryAfter()) {
		if err = w.look(short); err != nil || len(w.open) == 0 {
			break
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if refused := w.refusals(); len(refused) > 0 {
		return &ValidationError{Refused: refused}
	}
	if err != nil && w.order.problem == nil && short.Err() == nil {
		return err
	}
	return w.order.refusal()
}

func (w *watch) retryAfter() time.Time {
	var latest time.Time
	for _, z := range w.open {
		if z.retryAfter.After(latest) {
			latest = z.retryAfter
		}
	}
	return latest
}

func (w *watch) refusals() []Refusal {
	var refused []Refusal
	for _, z := range w.all {
		if !z.final() || z.Status == Valid {
			continue
		}
		p := z.Problem
		if p == nil {
			p = &Problem{Type: string(z.Status), Detail: "the CA does not say why"}
		}
		refused = append(refused, Refusal{z.Name(), p})
	}
	return refused
}
