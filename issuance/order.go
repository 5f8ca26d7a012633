package issuance

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"io/fs"
	"slices"
	"time"

	"certctl/acme"
	"certctl/store"
)

// place puts a new order to the CA, and puts its URL and a new private key on
// disk: a run that is cut off later than this can be taken up again.
func (i *Issuer) place(ctx context.Context, j *job) (err error) {
	j.key, err = i.keyFor(&j.Request)
	if err != nil {
		return err
	}
	if err := i.full(); err != nil {
		return err
	}
	j.order, err = i.Account.NewOrder(ctx, acme.Request{
		Names: j.Names, Profile: j.Profile, Replaces: j.Replaces, NotBefore: j.NotBefore, NotAfter: j.NotAfter,
	})
	if err != nil {
		i.noteFull(err)
		return err
	}
	return i.Store.SaveOrder(j.Certificate, &store.Order{
		URL:       j.order.URL,
		Directory: i.Account.CA.URL,
		Account:   i.Account.URL,
		Names:     j.Names,
		Profile:   j.Profile,
		Created:   time.Now(),
		Key:       j.key,
		CSR:       j.CSR,
	})
}

// noteFull remembers that the CA takes no more orders of the account, so that
// the others of the run are not put to it.
func (i *Issuer) noteFull(err error) {
	if p, ok := errors.AsType[*acme.Problem](err); ok && p.AccountWide() {
		i.fullUp.CompareAndSwap(nil, p)
	}
}

// full is the CA's word that it takes no more orders, or nil.
func (i *Issuer) full() error {
	if p := i.fullUp.Load(); p != nil {
		return p
	}
	return nil
}

// resume takes up the order that an earlier run left, if it was for the same
// request and the CA still knows it.
func (i *Issuer) resume(ctx context.Context, j *job) (bool, error) {
	saved, err := i.Store.LoadOrder(j.Certificate)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case !i.matches(saved, j):
		return false, i.Store.ClearOrder(j.Certificate)
	}
	o, err := i.Account.Order(ctx, saved.URL)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil && passing(err) {
		return false, err // the order may hold a certificate
	}
	if err != nil || !open(o.Status) {
		return false, i.Store.ClearOrder(j.Certificate)
	}
	j.order, j.key = o, saved.Key
	return true, nil
}

// matches reports whether a saved order is for what is asked for now.
func (i *Issuer) matches(o *store.Order, j *job) bool {
	return o.Directory == i.Account.CA.URL && o.Account == i.Account.URL &&
		o.Profile == j.Profile && sameNames(o.Names, j.Names) && j.NotBefore.IsZero() && j.NotAfter.IsZero() &&
		bytes.Equal(o.CSR, j.CSR) && (o.Key == nil || fits(o.Key, &j.Request))
}

// fits reports whether a private key is as the request wants it.
func fits(key crypto.Signer, r *Request) bool {
	if r.PrivateKey == nil {
		return KeyTypeOf(key.Public()) == keyType(r.Key)
	}
	return matching(r.PrivateKey, key.Public())
}

// open reports whether an order in this status can still become a certificate
// (RFC 8555 §7.1.6).
func open(s acme.Status) bool {
	switch s {
	case acme.Pending, acme.Ready, acme.Processing, acme.Valid:
		return true
	}
	return false
}

// passing reports whether an error says nothing about an order: the CA could
// not be reached, or is out of order.
func passing(err error) bool {
	if ps := problems(err); len(ps) > 0 {
		return !slices.ContainsFunc(ps, func(p *acme.Problem) bool { return !p.Own() })
	}
	return unreachable(err)
}

// giveUp tells the CA of the orders that failed, so that their authorizations
// do not count against the account's limits. An order whose run was
// interrupted is kept, and one that the CA is still at work on: the next run
// takes it up.
func (i *Issuer) giveUp(ctx context.Context, b *batch) {
	if ctx.Err() != nil {
		return
	}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	for _, j := range b.jobs {
		if j.result.Err == nil || j.order == nil || j.hopeful() {
			continue
		}
		if err := j.order.Abandon(ctx); err != nil {
			i.tell(Warned{Certificate: j.Certificate, Text: "the order could not be given up: " + err.Error()})
		}
		if err := i.Store.ClearOrder(j.Certificate); err != nil {
			i.tell(Warned{Certificate: j.Certificate, Text: err.Error()})
		}
	}
}

// hopeful reports whether the order of a job that failed can still become a
// certificate, which another order would only cost the account a second time.
func (j *job) hopeful() bool {
	if !j.order.Expires.IsZero() && time.Now().After(j.order.Expires) {
		return false
	}
	step := j.result.Err.(*StepError)
	switch step.Step {
	case Validating, Finalizing:
		return j.order.Status == acme.Processing || open(j.order.Status) && passing(step.Err)
	}
	return step.Step == Saving
}
