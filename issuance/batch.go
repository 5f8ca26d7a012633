package issuance

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"certctl/acme"
	"certctl/delegation"
	"certctl/dns01"
	"certctl/store"
	"certctl/tlsalpn01"
)

// concurrentOrders bounds how many orders of a batch talk to the CA at once.
const concurrentOrders = 8

// Result is what became of one request.
type Result struct {
	Certificate string
	Names       []string
	Placements  []Placement // where the record of each validated name went
	Answers     []Answer    // how the CA got the others validated
	Saved       *store.Certificate
	Timings     []Timing // of all that were asked for together
	Err         error    // a *StepError, or nil
}

// Placement is where the record of one name is, and under which grant.
type Placement struct {
	Name string // as it was ordered
	dns01.Grant
	Standing bool // the record was there before, so that nothing is written
	Lasting  bool // the record stays after the order
}

// Timing is how long one step of the batch took.
type Timing struct {
	Step Step
	Took time.Duration
}

// StepError says at which step a certificate failed.
type StepError struct {
	Certificate string
	Step        Step
	CA          string // host of the CA's directory, where there are several; else ""
	Err         error
}

// Error has a line for each of the errors that are joined in Err. It begins
// with the name that the error is about, else with that of the certificate.
func (e *StepError) Error() string {
	var lines []string
	step := string(e.Step)
	if e.CA != "" {
		step += " at " + e.CA
	}
	for _, err := range split(e.Err) {
		subject := e.Certificate
		if named, ok := err.(*nameError); ok {
			subject, err = named.name, named.err
		}
		lines = append(lines, fmt.Sprintf("%s: %s: %v", subject, step, err))
	}
	return strings.Join(lines, "\n")
}

func (e *StepError) Unwrap() error { return e.Err }

// nameError is an error about one name of an order.
type nameError struct {
	name string
	err  error
}

func (e *nameError) Error() string { return e.name + ": " + e.err.Error() }
func (e *nameError) Unwrap() error { return e.err }

// byName makes the CA's verdict on several names an error for each.
func byName(err error) error {
	refused, ok := errors.AsType[*acme.ValidationError](err)
	if !ok {
		return err
	}
	var errs []error
	for _, r := range refused.Refused {
		errs = append(errs, &nameError{r.Name, r.Problem})
	}
	return errors.Join(errs...)
}

// batch is a number of orders that go through the story together.
type batch struct {
	issuer    *Issuer
	jobs      []*job
	round     int                 // of records that are published together
	published []dns01.Publication // or about to be, and to be removed
	refused   map[update]bool     // that were not taken
	closing   []func()            // end what listens for the CA
	placed    []store.Placed      // files that are there, or may be: to be removed

	mu      sync.Mutex // guards timings, began, and the errors of results
	timings []Timing
	began   map[Step]time.Time // each step, the last time
}

// update is what goes to one zone with one credential.
type update struct{ zone, scope delegation.Name }

// job is one order of a batch.
type job struct {
	Request
	result *Result

	order   *acme.Order
	key     crypto.Signer
	pending []*acme.Authorization
	turn    []*acme.Authorization // those of pending that are validated in this round
	more    bool                  // others follow in later rounds
	records []record              // one for each of those pending that a record proves
	chain   [][]byte
	alpn    *tlsalpn01.Server // that answers for this order, or nil
}

func (i *Issuer) newBatch(requests []Request) *batch {
	b := &batch{issuer: i, refused: make(map[update]bool), began: make(map[Step]time.Time)}
	for _, r := range requests {
		b.jobs = append(b.jobs, &job{Request: r, result: &Result{Certificate: r.Certificate, Names: r.Names}})
	}
	return b
}

// alive returns the jobs that have not failed.
func (b *batch) alive() []*job {
	b.mu.Lock()
	defer b.mu.Unlock()
	var jobs []*job
	for _, j := range b.jobs {
		if j.result.Err == nil {
			jobs = append(jobs, j)
		}
	}
	return jobs
}

// each takes every job that has not failed through a step.
func (b *batch) each(ctx context.Context, s Step, do func(context.Context, *job) error) {
	defer b.clock(s)()
	var g errgroup.Group
	g.SetLimit(concurrentOrders)
	for _, j := range b.alive() {
		g.Go(func() error {
			b.fail(j, s, do(ctx, j))
			return nil
		})
	}
	_ = g.Wait()
}

// all takes the batch through a step as one; do blames single jobs itself.
func (b *batch) all(ctx context.Context, s Step, do func(context.Context, *batch)) {
	defer b.clock(s)()
	do(ctx, b)
}

// start is all, but does not wait for the end.
func (b *batch) start(ctx context.Context, s Step, do func(context.Context, *batch)) *sync.WaitGroup {
	var w sync.WaitGroup
	w.Go(func() { b.all(ctx, s, do) })
	return &w
}

// clock announces a step and returns the function that ends it.
func (b *batch) clock(s Step) (stop func()) {
	b.issuer.tell(Began{s})
	start := time.Now()
	b.mu.Lock()
	b.began[s] = start
	b.mu.Unlock()
	return func() {
		took := time.Since(start)
		b.mu.Lock()
		b.timings = added(b.timings, Timing{s, took})
		b.mu.Unlock()
		b.issuer.tell(Ended{s, took})
	}
}

// added adds a time to those of the same step.
func added(timings []Timing, more ...Timing) []Timing {
	for _, t := range more {
		if n := slices.IndexFunc(timings, func(known Timing) bool { return known.Step == t.Step }); n >= 0 {
			timings[n].Took += t.Took
		} else {
			timings = append(timings, t)
		}
	}
	return timings
}

// fail ends a job, if there is an error.
func (b *batch) fail(j *job, s Step, err error) {
	if err == nil {
		return
	}
	failed := &StepError{Certificate: j.Certificate, Step: s, Err: err}
	b.mu.Lock()
	j.result.Err = failed
	b.mu.Unlock()
	b.issuer.tell(Failed{j.Certificate, failed})
}

// results closes the books.
func (b *batch) results() []*Result {
	var rs []*Result
	for _, j := range b.jobs {
		j.result.Timings = b.timings
		for _, record := range j.records {
			j.result.Placements = append(j.result.Placements, record.Placement)
		}
		j.result.Answers = j.answers()
		rs = append(rs, j.result)
	}
	return rs
}

// recorded returns the authorizations that a record proves.
func (j *job) recorded() []*acme.Authorization {
	return slices.DeleteFunc(slices.Clone(j.pending), func(z *acme.Authorization) bool { return z.Prefix == "" })
}

// pendingNames returns the names that the CA still wants to see validated.
func (j *job) pendingNames() []string {
	var names []string
	for _, z := range j.pending {
		names = append(names, z.Name())
	}
	return names
}

// place is where the CA begins to look for a record: labels before a domain.
type place struct{ prefix, domain string }

func placeOf(z *acme.Authorization) place { return place{z.Prefix, z.Domain} }

// places returns where the pending names' records are looked for, each once: a
// name and its wildcard share one.
func (j *job) places() []place {
	var places []place
	for _, z := range j.recorded() {
		if p := placeOf(z); !slices.Contains(places, p) {
			places = append(places, p)
		}
	}
	return places
}

// tell passes an event to whoever watches.
func (i *Issuer) tell(e Event) {
	i.telling.Lock()
	defer i.telling.Unlock()
	if i.Watch != nil {
		i.Watch(e)
	}
}

// AboutDNS reports whether it is the DNS that was not ready: the delegation,
// the credential, or the propagation.
func (e *StepError) AboutDNS() bool {
	return e.Step == Locating || e.Step == Publishing || e.Step == Waiting
}

// AboutCA reports whether it is the CA that was down, or refused for reasons of
// its own, such as a rate limit: another CA may do what this one does not. Its
// verdict on us or our DNS is not of that kind.
func (e *StepError) AboutCA() bool {
	if errors.Is(e.Err, context.Canceled) || e.AboutDNS() {
		return false
	}
	if _, ok := errors.AsType[*notPermittedError](e.Err); ok {
		return true
	}
	if ps := problems(e.Err); len(ps) > 0 {
		return !slices.ContainsFunc(ps, func(p *acme.Problem) bool { return !p.Own() })
	}
	switch e.Step {
	case Validating, Finalizing: // a CA that takes too long, or issues what was not asked for
		return true
	case Ordering:
		return unreachable(e.Err) || offersOthers(e.Err)
	}
	return false
}

// offersOthers reports whether the CA does not have the profile that is asked
// for, or no challenge of those, for any of the names that it refuses.
func offersOthers(err error) bool {
	return !slices.ContainsFunc(split(err), func(e error) bool {
		_, challenge := errors.AsType[*acme.NoChallengeError](e)
		_, profile := errors.AsType[*acme.ProfileError](e)
		return !challenge && !profile
	})
}

// unreachable reports whether the CA could not be talked to.
func unreachable(err error) bool {
	var directory *acme.DirectoryError
	var request *url.Error
	return errors.As(err, &directory) || errors.As(err, &request)
}
