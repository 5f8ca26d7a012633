package dns01

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"certctl/delegation"
)

// Observation is what one server said about one owner during a wait.
type Observation struct {
	Zone    delegation.Name
	Owner   delegation.Name
	Server  delegation.Server // with exactly one address
	Elapsed time.Duration     // from the beginning of the wait to the first such answer
	Answer  string            // in words: "has the value", "NXDOMAIN", "1 of 2 values", "timeout", …
	Done    bool              // has all values
	Failed  bool              // says nothing about them: silent, lame, refused, not reachable
	Aside   bool              // Failed for so long that it is not waited for
	Proxied bool              // Server is a recursive resolver: authoritative ones cannot be asked
}

// Wait returns when every authoritative server of every publication's zone
// serves all values, or when the zone's timeout has passed. observe, if not
// nil, is told each time an answer changes, and at the end of each server that
// was not waited for; it is called from one goroutine at a time. The error is a
// *PropagationError for each zone that is not ready.
//
// Every address of every server counts, and an answer without authority does
// not. A server that stays silent, lame or unwilling is set aside as long as
// another one has the values; a server that answers without them is always
// waited for. Where a zone's provider is a StatusWaiter, the service is asked
// before the servers are.
//
// Where authoritative servers cannot be asked from here (Target.Proxied), the
// recursive resolvers count in their place. They may go on denying a record
// that they were asked for too early, for as long as the zone's SOA record says
// (RFC 2308 §5).
func Wait(ctx context.Context, client *delegation.Client, ps []Publication, observe func(Observation)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	w := newWatch(ctx, client, ps, observe)

	var hosts, zones sync.WaitGroup
	for _, z := range w.zones {
		if z.held = len(z.services) > 0; z.held {
			hosts.Go(func() { w.hold(z) })
		}
	}
	for _, h := range w.hosts {
		hosts.Go(func() { w.poll(ctx, h) })
	}
	errs := make([]error, len(w.zones))
	for i, z := range w.zones {
		zones.Go(func() { errs[i] = w.await(ctx, z) })
	}
	zones.Wait()
	interrupted := context.Cause(ctx)
	stop()
	hosts.Wait()
	return errors.Join(append(errs, interrupted)...)
}

// watch is one call of Wait.
type watch struct {
	client  *delegation.Client
	observe func(Observation)
	began   time.Time
	slots   chan struct{} // one for each question in flight
	zones   []*zone
	hosts   []*host

	mu sync.Mutex // guards the state of zones, hosts and probes, and serialises observe
}

// zone is a zone that is waited for.
type zone struct {
	Propagation
	name   delegation.Name
	probes []*probe
	unseen map[delegation.Name]bool // owners that no server has yet
	agreed chan struct{}            // closed when the servers agree

	services  map[StatusWaiter]*Credential // asked first
	held      bool                         // until they have said yes
	abandoned chan error

	ctx  context.Context // of the questions about this zone, until its end is decided
	stop context.CancelFunc
}

func newWatch(ctx context.Context, client *delegation.Client, ps []Publication, observe func(Observation)) *watch {
	w := &watch{client: client, observe: observe, began: time.Now(), slots: make(chan struct{}, inFlight)}
	for _, p := range ps {
		z := w.zone(ctx, p.Target.Zone)
		z.heed(p.Credential)
		z.unseen[p.Target.Owner] = true
		for _, s := range witnesses(p.Target) {
			for _, a := range s.Addrs {
				one := delegation.Server{Name: s.Name, Addrs: []netip.AddrPort{a}}
				probe := w.probe(z, one, p.Target.Owner)
				probe.proxied = p.Target.Proxied
				probe.expect(p.Value)
			}
		}
	}
	return w
}

// heed waits for the zone as a credential wants it.
func (z *zone) heed(c *Credential) {
	if c == nil {
		z.Timeout = cmp.Or(z.Timeout, DefaultTimeout)
		return
	}
	z.Timeout = max(z.Timeout, cmp.Or(c.Propagation.Timeout, DefaultTimeout))
	z.Settle = max(z.Settle, c.Propagation.Settle)
	z.service(c)
}

// witnesses returns whom to ask about a target: its authoritative servers, or
// where those cannot be asked from here, the recursive resolvers.
func witnesses(t *delegation.Target) []delegation.Server {
	if t.Proxied {
		return []delegation.Server{{Name: "resolver", Addrs: t.Resolvers}}
	}
	return t.Servers
}

// zone returns the zone of this name; the first mention makes it.
func (w *watch) zone(ctx context.Context, name delegation.Name) *zone {
	for _, z := range w.zones {
		if z.name == name {
			return z
		}
	}
	z := &zone{name: name, unseen: map[delegation.Name]bool{}, agreed: make(chan struct{}), services: map[StatusWaiter]*Credential{}, abandoned: make(chan error, 1)}
	z.ctx, z.stop = context.WithCancel(ctx)
	w.zones = append(w.zones, z)
	return z
}

// await returns when the zone is ready, and has settled, or its time is over.
func (w *watch) await(ctx context.Context, z *zone) error {
	defer z.stop()
	if len(z.probes) == 0 {
		return w.failure(z)
	}
	select {
	case <-z.agreed:
	case err := <-z.abandoned:
		return err
	case <-time.After(z.Timeout):
		return w.failure(z)
	case <-ctx.Done():
		return nil // Wait says it, once for all zones
	}
	select {
	case <-time.After(z.Settle):
	case <-ctx.Done():
	}
	return nil
}

// report takes in what a probe was answered.
func (w *watch) report(p *probe, a answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.zone.ctx.Err() != nil {
		return // the end of the zone is decided
	}
	changed := a.words != p.last.words
	p.take(a, w.began)
	if changed && w.observe != nil && !p.unroutedAgain() {
		w.observe(p.observation())
	}
	if a.done {
		delete(p.zone.unseen, p.owner)
	}
	if p.zone.ready() {
		w.leave(p.zone)
		close(p.zone.agreed)
		p.zone.stop()
	}
}

// leave tells of each address of a zone that is set aside for good, once.
func (w *watch) leave(z *zone) {
	told := make(map[*host]bool)
	for _, p := range z.probes {
		if w.observe != nil && p.aside() && !told[p.host] {
			told[p.host] = true
			w.observe(p.observation())
		}
	}
}

// ready reports whether somebody has each value, and nobody is waited for.
func (z *zone) ready() bool {
	return len(z.unseen) == 0 && !slices.ContainsFunc(z.probes, (*probe).awaited)
}

// failure returns what to say of a zone that is not ready in time.
func (w *watch) failure(z *zone) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if z.ctx.Err() != nil {
		return nil // agreed at the last moment
	}
	z.stop()
	e := &PropagationError{Zone: z.name, Waited: time.Since(w.began)}
	for _, p := range z.probes {
		e.Answers = append(e.Answers, p.observation())
	}
	return e
}
