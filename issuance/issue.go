package issuance

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"certctl/acme"
	"certctl/delegation"
	"certctl/dns01"
	"certctl/store"
)

// Issuer has what every certificate of a run needs.
type Issuer struct {
	Account     *acme.Account
	Resolver    *delegation.Resolver
	Client      *delegation.Client // asks authoritative servers whether they have the records
	Credentials dns01.Credentials
	Store       *store.Store   // locked by the caller
	Journal     *store.Journal // nil: that of Store
	Keep        int            // versions of each certificate that stay in the archive; 0: all
	Transient   bool           // remove also the records that would stay
	Watch       func(Event)    // called from one goroutine at a time; nil: nobody watches

	telling sync.Mutex                   // guards Watch
	fullUp  atomic.Pointer[acme.Problem] // once the CA takes no more orders of the account
}

// issue takes orders through the story together: for each request one result, in
// the same order.
func (i *Issuer) issue(ctx context.Context, requests []Request) []*Result {
	b := i.newBatch(requests)
	defer i.giveUp(ctx, b)

	b.each(ctx, Ordering, i.order)
	b.each(ctx, Locating, i.locate)
	b.all(ctx, Answering, i.answer)

	for range i.rounds(ctx, b) { // one, but for services that keep few values at a name
		b.all(ctx, Publishing, i.publish)
		b.all(ctx, Waiting, i.wait)
		b.each(ctx, Validating, i.validate)
	}

	heard := i.audience(ctx, b)
	removed := b.start(ctx, Removing, i.remove) // needs nobody's attention from here on
	b.each(ctx, Finalizing, i.finalize)
	b.each(ctx, Saving, i.save)
	removed.Wait()
	heard()

	return b.results()
}

// order places the order of one certificate, or takes up the one that an
// earlier run had to leave.
func (i *Issuer) order(ctx context.Context, j *job) error {
	if err := j.Check(); err != nil {
		return err
	}
	resumed, err := i.resume(ctx, j)
	if err != nil {
		return err
	}
	if !resumed {
		if err := i.place(ctx, j); err != nil {
			return err
		}
	}
	if j.order.Status == acme.Pending {
		j.pending, err = j.order.Pending(ctx)
	}
	i.tell(Ordered{Certificate: j.Certificate, URL: j.order.URL, Resumed: resumed, Pending: j.pendingNames()})
	if err != nil {
		return err
	}
	return j.choose()
}

// choose chooses a challenge for each name that is to be validated.
func (j *job) choose() error {
	var errs []error
	for _, authz := range j.pending {
		if err := authz.Choose(j.challenges()); err != nil {
			errs = append(errs, &nameError{authz.Name(), err})
		}
	}
	return errors.Join(errs...)
}

// locate finds the place of every record that the CA will ask for, and the
// credential that covers it, unless the record stands there already; and what
// the CA will ask us. Nothing has been written so far.
func (i *Issuer) locate(ctx context.Context, j *job) (err error) {
	if j.records, err = i.records(ctx, j); err != nil {
		return err
	}
	for _, r := range j.records {
		i.tell(Located{j.Certificate, r.Placement})
	}
	for _, a := range j.answers() {
		i.tell(Answered{j.Certificate, a})
	}
	return nil
}

// validate tells the CA that the records of a round are there, and watches it
// look.
func (i *Issuer) validate(ctx context.Context, j *job) error {
	if len(j.turn) == 0 {
		return nil
	}
	hide, err := j.show(ctx)
	if err != nil {
		return err
	}
	defer hide()
	validate := j.order.Validate
	if j.more {
		validate = j.order.ValidateSome
	}
	err = validate(ctx, j.turn, func(z *acme.Authorization) {
		i.tell(Validated{Certificate: j.Certificate, Name: z.Name(), Status: z.Status})
	})
	return byName(err)
}

// finalize asks for the certificate itself. The key has been on disk since the
// order was placed.
func (i *Issuer) finalize(ctx context.Context, j *job) error {
	csr, err := j.csr()
	if err != nil {
		return err
	}
	if j.chain, err = j.order.Finalize(ctx, csr); err != nil || j.Chain == "" {
		return err
	}
	return i.prefer(ctx, j)
}

// save puts key and chain into the store as one version, and forgets the
// order.
func (i *Issuer) save(ctx context.Context, j *job) error {
	saved, err := i.Store.SaveCertificate(j.Certificate, j.key, j.chain)
	if err != nil {
		return err
	}
	j.result.Saved = saved
	if err := i.remember(j); err != nil {
		return err
	}
	i.tell(Saved{Certificate: j.Certificate, Files: saved})
	i.prune(j)
	return i.Store.ClearOrder(j.Certificate)
}
