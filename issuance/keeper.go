package issuance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"certctl/acme"
	"certctl/store"
)

// Keeper sees to it that no certificate ends: Wanted says which there are, Plan
// when each is to be ordered, Renew orders those that are due. It is made for
// one run. The caller holds the lock of the store.
type Keeper struct {
	Store *store.Store
	CAs   []Choice // of the configuration, the most wanted first

	Dial    func(ctx context.Context, directory string) (*acme.CA, error)
	Account func(ctx context.Context, directory string) (*acme.Account, error)
	Issuer  func(*acme.Account) *Issuer
	Warn    func(certificate, text string) // called from several goroutines

	// Permitted says why the CA of an account may not issue what is asked for:
	// its profiles, or CAA records. It is asked before a CA stands in for another;
	// nil: none is kept from it.
	Permitted func(context.Context, *acme.Account, Request) error

	// Rehearsal places orders at a CA for tests in place of the one with this
	// directory, and keeps nothing of them; no results where none is wanted. It is
	// for names for which that CA has not issued yet. Nil: no rehearsals.
	Rehearsal func(ctx context.Context, directory string, requests []Request) ([]*Result, error)

	dialling sync.Mutex
	dialled  map[string]*dialled // by directory
}

// dialled is the directory of a CA as it was read, once done is closed.
type dialled struct {
	done chan struct{}
	ca   *acme.CA
	err  error
}

// Wanted returns all certificates: first those configured, in their order, then
// those that earlier runs were asked for. The error has what cannot be read; it
// is not about those returned.
func (k *Keeper) Wanted(configured []*Renewal) ([]*Renewal, error) {
	kept, err := k.Store.Requests()
	if err != nil {
		for _, r := range configured {
			k.heal(r)
		}
		kept, err = k.Store.Requests()
	}
	return k.Join(configured, kept), err
}

// Join returns the certificates configured, with what is kept of them, and then
// those that are only kept.
func (k *Keeper) Join(configured []*Renewal, kept []*store.Request) []*Renewal {
	by := make(map[string]*store.Request)
	for _, request := range kept {
		by[request.Name] = request
	}
	all := slices.Clone(configured)
	for _, r := range configured {
		r.Kept = by[r.Certificate]
		delete(by, r.Certificate)
	}
	for _, request := range kept {
		if by[request.Name] != nil {
			all = append(all, k.remembered(request))
		}
	}
	return all
}

// remembered is a certificate that is not configured. It stays with its CA; if
// that is one of the configuration, the others stand in for it.
func (k *Keeper) remembered(kept *store.Request) *Renewal {
	r := &Renewal{Request: Remembered(kept), Directory: kept.Directory, Kept: kept}
	same := func(c Choice) bool { return c.Directory == kept.Directory }
	if slices.ContainsFunc(k.CAs, same) {
		r.Fallbacks = slices.DeleteFunc(slices.Clone(k.CAs), same)
	}
	return r
}

// heal writes anew what is remembered of a configured certificate, if it cannot
// be read: all of it that matters is in the certificate and the configuration.
func (k *Keeper) heal(r *Renewal) {
	_, lost := k.Store.LoadRequest(r.Certificate)
	if lost == nil || errors.Is(lost, fs.ErrNotExist) {
		return
	}
	kept := asked(r.Request, r.Directory)
	if live, err := k.Store.LoadCertificate(r.Certificate); err == nil {
		kept.Names, kept.KeyType, kept.Issued = acme.NamesIn(live.Leaf), string(KeyTypeOf(live.Leaf.PublicKey)), issued(live.Leaf)
	}
	err := k.Store.SaveRequest(kept)
	k.Warn(r.Certificate, fmt.Sprintf("%v: it is written anew", errors.Join(lost, err)))
}

const (
	concurrentWindows = 8              // certificates that CAs are asked about at once
	longestInterval   = 36 * time.Hour // between runs, as far as one looks ahead
)

// Plan decides when each of the renewals is to be ordered. A CA is asked only
// for suggestions that have come up, and one that does not answer never holds
// up a renewal: then the lifetime of the certificate decides. What is wrong
// with one certificate (Renewal.Err) does not touch the others.
func (k *Keeper) Plan(ctx context.Context, rs []*Renewal) error {
	now := time.Now()
	nextRun := k.nextRun(now)
	var g errgroup.Group
	g.SetLimit(concurrentWindows)
	for _, r := range rs {
		live, err := k.Store.HasCertificate(r.Certificate)
		if err != nil {
			r.Err = fmt.Errorf("%s: %w", r.Certificate, err)
			continue
		}
		r.schedule(live)
		if !live || !r.asksAgain(now) {
			r.advance(now, nextRun)
			continue
		}
		g.Go(func() error {
			if err := r.ask(ctx, k.Store, k.dialOnce(ctx)); err != nil && ctx.Err() == nil && !errors.Is(err, errSilent) {
				k.Warn(r.Certificate, err.Error())
			}
			r.advance(now, nextRun)
			return nil
		})
	}
	_ = g.Wait()
	return ctx.Err()
}

// nextRun returns when the next run is likely: as far away as the last one was.
func (k *Keeper) nextRun(now time.Time) time.Time {
	before, err := k.Store.LoadRun()
	if err = errors.Join(err, k.Store.SaveRun(store.Run{Began: now})); err != nil {
		k.Warn("", err.Error())
	}
	if before.Began.IsZero() || before.Began.After(now) {
		return now
	}
	return now.Add(min(now.Sub(before.Began), longestInterval))
}

// errSilent says that a CA does not answer, which has been told.
var errSilent = errors.New("the CA cannot be asked")

// dialOnce returns a function that reads the directory of each CA once. That it
// cannot be read is told once, too, and not for each certificate.
func (k *Keeper) dialOnce(ctx context.Context) func(directory string) (*acme.CA, error) {
	return func(directory string) (*acme.CA, error) {
		d, first := k.dialledAt(directory)
		if !first {
			<-d.done
			return d.ca, d.err
		}
		defer close(d.done)
		d.ca, d.err = k.Dial(ctx, directory)
		if d.err != nil && ctx.Err() == nil {
			k.Warn("", d.err.Error())
			d.err = errSilent
		}
		return d.ca, d.err
	}
}

func (k *Keeper) dialledAt(directory string) (d *dialled, first bool) {
	k.dialling.Lock()
	defer k.dialling.Unlock()
	if d := k.dialled[directory]; d != nil {
		return d, false
	}
	if k.dialled == nil {
		k.dialled = make(map[string]*dialled)
	}
	d = &dialled{done: make(chan struct{})}
	k.dialled[directory] = d
	return d, true
}
