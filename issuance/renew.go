package issuance

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"certctl/acme"
	"certctl/store"
)

// Renew orders certificates, those for one CA as one batch. Where a CA cannot
// issue for reasons of its own, the next of the renewal's choices is asked.
// What failed is remembered. Each result is for the renewal at the same index.
func (k *Keeper) Renew(ctx context.Context, due []*Renewal) []*Result {
	return k.order(ctx, k.newAttempts(due))
}

// Issue is Renew for certificates that a person wants now: CAs that are not to
// be asked for a while are asked all the same.
func (k *Keeper) Issue(ctx context.Context, wanted []*Renewal) []*Result {
	var attempts []*attempt
	for _, r := range wanted {
		attempts = append(attempts, &attempt{Renewal: r, left: r.choices()})
	}
	return k.order(ctx, attempts)
}

func (k *Keeper) order(ctx context.Context, attempts []*attempt) []*Result {
	for ctx.Err() == nil {
		directory, batch := next(attempts)
		if len(batch) == 0 {
			break
		}
		k.try(ctx, directory, batch)
	}
	var results []*Result
	for _, a := range attempts {
		if ctx.Err() == nil { // that the user ended the run is no failure
			k.rememberFailure(a)
		}
		results = append(results, a.conclude(ctx))
	}
	return results
}

// attempt is the way of one renewal from CA to CA.
type attempt struct {
	*Renewal
	left     []Choice  // to be asked; none when it is decided
	setbacks []setback // of those that were asked
	result   *Result   // of the last one
}

// newAttempts asks each CA that may be asked now; where there is none, somebody
// has forced it, and all are.
func (k *Keeper) newAttempts(due []*Renewal) []*attempt {
	now := time.Now()
	var attempts []*attempt
	for _, r := range due {
		k.remind(r)
		a := &attempt{Renewal: r, left: r.open(now)}
		if len(a.left) == 0 {
			a.left = r.choices()
		}
		attempts = append(attempts, a)
	}
	return attempts
}

// remind says which CAs are waiting for a person.
func (k *Keeper) remind(r *Renewal) {
	if r.Kept == nil {
		return
	}
	for _, c := range r.choices() {
		if url := r.Kept.Refusals[c.Directory].Visit; url != "" {
			k.Warn(r.Certificate, fmt.Sprintf("%s is not asked before a person has visited %s and forces a renewal", host(c.Directory), url))
		}
	}
}

// next returns the CA of the first attempt that is not decided, and all
// attempts whose turn it is there.
func next(attempts []*attempt) (directory string, batch []*attempt) {
	for _, a := range attempts {
		if len(a.left) == 0 {
			continue
		}
		if directory == "" {
			directory = a.left[0].Directory
		}
		if a.left[0].Directory == directory {
			batch = append(batch, a)
		}
	}
	return directory, batch
}

// try puts a batch to one CA.
func (k *Keeper) try(ctx context.Context, directory string, batch []*attempt) {
	account, err := k.Account(ctx, directory)
	if err != nil {
		for _, a := range batch {
			k.took(a, a.failed(err))
		}
		return
	}
	batch = k.rehearse(ctx, directory, k.permitted(ctx, account, batch))
	if len(batch) == 0 {
		return
	}
	issuer := k.Issuer(account)
	issuer.Watch = k.witness(batch, issuer.Watch)
	var requests []Request
	for _, a := range batch {
		requests = append(requests, issuer.request(a.Renewal, a.left[0]))
	}
	for n, result := range issuer.Issue(ctx, requests) {
		k.took(batch[n], result)
	}
}

// failed is the result of an attempt that has not come to an order.
func (a *attempt) failed(err error) *Result {
	return &Result{Certificate: a.Certificate, Names: a.Names, Err: &StepError{Certificate: a.Certificate, Step: Ordering, Err: err}}
}

// permitted leaves out those that a CA which stands in for another may not
// issue.
func (k *Keeper) permitted(ctx context.Context, account *acme.Account, batch []*attempt) (may []*attempt) {
	for _, a := range batch {
		if k.Permitted != nil && account.CA.URL != a.Directory {
			if err := k.Permitted(ctx, account, a.askedOf(a.left[0])); err != nil {
				k.took(a, a.failed(&notPermittedError{err}))
				continue
			}
		}
		may = append(may, a)
	}
	return may
}

// notPermittedError says that a CA is not asked, because it would not be allowed
// to do what is wanted.
type notPermittedError struct{ error }

func (e *notPermittedError) Unwrap() error { return e.error }

// witness remembers refusals as soon as a CA utters them: the run may not see
// its end, and the next one is not to ask again too soon.
func (k *Keeper) witness(batch []*attempt, watch func(Event)) func(Event) {
	by := make(map[string]*attempt)
	for _, a := range batch {
		by[a.Certificate] = a
	}
	return func(e Event) {
		if watch != nil {
			watch(e)
		}
		failed, ok := e.(Failed)
		if a := by[failed.Certificate]; ok && a != nil {
			k.rememberRefusal(a, failed.Err)
		}
	}
}

// took takes in what became of an attempt at one CA.
func (k *Keeper) took(a *attempt, r *Result) {
	directory := a.left[0].Directory
	a.result, a.left = r, a.left[1:]
	failed, ok := r.Err.(*StepError)
	if !ok {
		a.left = nil
		return
	}
	if len(a.Fallbacks) > 0 && failed.CA == "" {
		failed.CA = host(directory)
	}
	a.setbacks = append(a.setbacks, setback{directory, failed})
	if !failed.AboutCA() {
		a.left = nil
	}
	if len(a.left) > 0 {
		k.Warn(a.Certificate, failed.Error()+"; the next CA is asked")
	}
}

func host(directory string) string {
	u, err := url.Parse(directory)
	if err != nil {
		return directory
	}
	return u.Host
}

// conclude returns the result, with the setbacks at all CAs if the last one has
// failed too.
func (a *attempt) conclude(ctx context.Context) *Result {
	if a.result == nil {
		return a.failed(context.Cause(ctx))
	}
	if a.result.Err != nil {
		a.result.Err = joined(a.setbacks)
	}
	return a.result
}

// rememberFailure keeps what went wrong, for the runs to come. An attempt that
// succeeded in the end leaves only that some CAs are not to be asked.
func (k *Keeper) rememberFailure(a *attempt) {
	if len(a.setbacks) == 0 || a.forgettable() {
		return
	}
	now := time.Now()
	a.Kept = k.kept(a.Renewal)
	if a.result.Err != nil {
		a.fail(now, a.setbacks)
	} else {
		for _, s := range a.setbacks {
			a.refused(now, s)
		}
	}
	if err := k.Store.SaveRequest(a.Kept); err != nil {
		k.Warn(a.Certificate, err.Error())
	}
}

// forgettable reports whether nobody is to repeat an attempt that has failed:
// what was asked for once, and never had, may have been a slip of the fingers.
func (a *attempt) forgettable() bool { return a.Once && a.Kept == nil }

// rememberRefusal keeps at once what a CA has said about when to come back.
func (k *Keeper) rememberRefusal(a *attempt, err error) {
	if a.forgettable() {
		return
	}
	a.Kept = k.kept(a.Renewal)
	if !a.refused(time.Now(), setback{a.left[0].Directory, err}) {
		return
	}
	if err := k.Store.SaveRequest(a.Kept); err != nil {
		k.Warn(a.Certificate, err.Error())
	}
}

// kept returns what is remembered now, or the beginning of it.
func (k *Keeper) kept(r *Renewal) *store.Request {
	if kept, err := k.Store.LoadRequest(r.Certificate); err == nil {
		return kept
	}
	if r.Kept != nil {
		return r.Kept
	}
	return asked(r.Request, r.Directory)
}

// request says which certificate the new one replaces: renewals that the CA
// has suggested do not count against its limits (RFC 9773 §5).
func (i *Issuer) request(r *Renewal, c Choice) Request {
	request := r.askedOf(c)
	if r.Kept == nil || r.Kept.Issued == nil || r.Kept.Directory != i.Account.CA.URL || r.Kept.Account != i.Account.URL {
		return request
	}
	live, err := i.Store.LoadCertificate(r.Certificate)
	if err != nil {
		return request
	}
	if id, err := acme.RenewalID(live.Leaf); err == nil {
		request.Replaces = id
	}
	return request
}

// askedOf returns what is asked of one of the CAs.
func (r *Renewal) askedOf(c Choice) Request {
	request := r.Request
	request.Profile = c.Profile
	return request
}

// Forgive lets the CAs be asked again that have refused: whoever is at hand may
// have done what they wanted to see done.
func Forgive(s *store.Store, rs []*Renewal) error {
	var errs []error
	for _, r := range rs {
		if r.Kept != nil && len(r.Kept.Refusals) > 0 {
			r.Kept.Refusals = nil
			errs = append(errs, s.SaveRequest(r.Kept))
		}
	}
	return errors.Join(errs...)
}
