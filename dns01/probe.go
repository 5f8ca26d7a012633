package dns01

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sync/errgroup"

	"certctl/delegation"
)

// The servers are polled soon at first, because most of them have a record
// within milliseconds, and then less and less often. Each pause is half as
// long again as the one before.
const (
	firstPause   = 50 * time.Millisecond
	longestPause = 2 * time.Second
)

// Questions in flight, in all and at one address.
const (
	inFlight   = 256
	perAddress = 32
)

// A server that gives no usable answer, so many times in a row and for so
// long, is set aside. A time of silence is several packets, see
// delegation.Client. Where its host says that nothing listens there, that is
// sooner: no packet is lost, and a resolver of the CA's is told so as well, and
// asks the next server. It is still longer than most servers take to start
// again. The server is still asked, and once it answers it is waited for again.
const (
	asideTries  = 2
	asideAfter  = 10 * time.Second
	closedAfter = 2 * time.Second
)

// host is an address at which servers are asked.
type host struct {
	addr     netip.AddrPort
	probes   []*probe
	silent   *answer // the timeout in this round, or in the last one; nil: it answers
	unrouted bool    // said already that there is no route
}

// probe is one owner, asked for at one address of one of the zone's servers.
type probe struct {
	zone   *zone
	host   *host
	server delegation.Server // with exactly one address
	owner  delegation.Name
	values []string

	proxied bool // server is a recursive resolver

	last   answer
	since  time.Duration // from the beginning of the wait to the first such answer
	failed streak        // of answers that say nothing
	closed streak        // of those that nothing listens there
}

// streak is answers of a kind, without others in between.
type streak struct {
	length int
	began  time.Time // when the first of them was asked for
}

func (s *streak) note(belongs bool, asked time.Time) {
	switch {
	case !belongs:
		*s = streak{}
	case s.length == 0:
		*s = streak{1, asked}
	default:
		s.length++
	}
}

func (s *streak) lasts(d time.Duration) bool {
	return s.length >= asideTries && time.Since(s.began) >= d
}

// probe returns the probe for an owner; the first mention makes it.
func (w *watch) probe(z *zone, s delegation.Server, owner delegation.Name) *probe {
	addr := s.Addrs[0]
	h := w.host(addr)
	for _, p := range h.probes {
		if p.zone == z && p.owner == owner {
			return p
		}
	}
	p := &probe{zone: z, host: h, server: s, owner: owner, last: answer{words: "not asked", failed: true}}
	z.probes = append(z.probes, p)
	h.probes = append(h.probes, p)
	return p
}

func (w *watch) host(addr netip.AddrPort) *host {
	for _, h := range w.hosts {
		if h.addr == addr {
			return h
		}
	}
	h := &host{addr: addr}
	w.hosts = append(w.hosts, h)
	return h
}

// expect adds a value to those that the server must have.
func (p *probe) expect(value string) {
	if !slices.Contains(p.values, value) {
		p.values = append(p.values, value)
	}
}

// poll asks one address, round by round, until it has everything.
func (w *watch) poll(ctx context.Context, h *host) {
	for pause := firstPause; ; pause = min(pause*3/2, longestPause) {
		pending, held := w.pending(h)
		switch {
		case len(pending) > 0:
			w.round(h, pending)
		case held:
			pause = firstPause
		default:
			return
		}
		jittered := pause - pause/8 + rand.N(pause/4)
		select {
		case <-time.After(jittered):
		case <-ctx.Done():
			return
		}
	}
}

// pending returns what is still to be asked at an address, in any order, and
// whether there is more that a service is asked about first.
func (w *watch) pending(h *host) (pending []*probe, held bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range h.probes {
		switch {
		case p.last.done || p.zone.ctx.Err() != nil:
		case p.zone.held:
			held = true
		default:
			pending = append(pending, p)
		}
	}
	rand.Shuffle(len(pending), func(i, j int) { pending[i], pending[j] = pending[j], pending[i] })
	return pending, held
}

// round asks all pending questions once, side by side. A server that was
// silent in the last round gets one question first: each one that it does not
// answer would keep others waiting for seconds.
func (w *watch) round(h *host, pending []*probe) {
	if w.silence(h) != nil {
		w.hush(h, nil)
		w.ask(pending[0])
		pending = pending[1:]
	}
	var g errgroup.Group
	g.SetLimit(perAddress)
	for _, p := range pending {
		g.Go(func() error {
			w.ask(p)
			return nil
		})
	}
	g.Wait()
}

// ask puts one question, and reports the answer. Where the server has turned
// out to be silent in this round, the question is spared.
func (w *watch) ask(p *probe) {
	if a := w.silence(p.host); a != nil {
		w.report(p, *a)
		return
	}
	select {
	case w.slots <- struct{}{}:
	case <-p.zone.ctx.Done():
		return
	}
	asked := time.Now()
	m, err := w.client.Ask(p.zone.ctx, p.host.addr, p.owner, dns.TypeTXT, p.proxied)
	<-w.slots
	if p.zone.ctx.Err() != nil {
		return
	}
	a := judge(m, err, p)
	a.asked = asked
	if a.silent {
		w.hush(p.host, &a)
	}
	w.report(p, a)
}

func (w *watch) silence(h *host) *answer {
	w.mu.Lock()
	defer w.mu.Unlock()
	return h.silent
}

func (w *watch) hush(h *host, a *answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h.silent = a
}

// take remembers an answer.
func (p *probe) take(a answer, began time.Time) {
	if a.words != p.last.words {
		p.since = time.Since(began)
	}
	p.failed.note(a.failed, a.asked)
	p.closed.note(a.closed, a.asked)
	p.last = a
}

// awaited reports whether the zone is not ready because of this server. One
// that this host cannot even send to is not.
func (p *probe) awaited() bool {
	return !p.last.done && !p.last.unrouted && !p.aside()
}

// aside reports whether the server is not waited for, as long as it stays as it
// is.
func (p *probe) aside() bool { return p.failed.lasts(asideAfter) || p.closed.lasts(closedAfter) }

// unroutedAgain reports whether the missing route to this address has been
// told, and remembers that it has.
func (p *probe) unroutedAgain() bool {
	again := p.last.unrouted && p.host.unrouted
	p.host.unrouted = p.host.unrouted || p.last.unrouted
	return again
}

func (p *probe) observation() Observation {
	return Observation{
		Zone: p.zone.name, Owner: p.owner, Server: p.server,
		Elapsed: p.since, Answer: p.last.words, Done: p.last.done, Failed: p.last.failed, Aside: p.aside(), Proxied: p.proxied,
	}
}
