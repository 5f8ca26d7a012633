// Package witness remembers who has asked for validation records, and what they
// got. A CA looks from several networks at once (multi-perspective validation);
// whether all of them came, and none in vain, only the server can tell.
package witness

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/nameserver"
)

// What is remembered is bounded: somebody may ask for anything from anywhere.
const (
	remembered   = time.Hour
	mostNames    = 10_000
	mostNetworks = 200 // for each name
	mostAskers   = 100_000
)

// Witness is a nameserver.Observer for questions for TXT records. The zero
// Witness is ready.
type Witness struct {
	Log *slog.Logger // told when a network gets a value that it had not before; nil: nowhere

	mu     sync.Mutex
	names  map[delegation.Name]map[netip.Prefix]*Asker
	count  int       // of askers
	looked time.Time // for what can be forgotten
}

// Asker is a network that has asked for a name: a /24 of IPv4 or a /48 of IPv6,
// which is what a CA's perspectives differ in.
type Asker struct {
	Network netip.Prefix `json:"network"`
	Queries int          `json:"queries"`
	Empty   int          `json:"empty"` // of them, how many got no value
	Last    time.Time    `json:"last"`
}

// Served reports whether the last word was a value. Who asks once too early and
// then again has been served.
func (a Asker) Served() bool { return a.Empty < a.Queries }

// Texts returns what keys are told of a network, in the strings of a record;
// ago is in milliseconds. Package dns01/rfc2136 reads it.
func (a Asker) Texts(now time.Time) []string {
	return []string{
		"network=" + a.Network.String(),
		fmt.Sprintf("queries=%d", a.Queries),
		fmt.Sprintf("empty=%d", a.Empty),
		fmt.Sprintf("ago=%d", max(0, now.Sub(a.Last).Milliseconds())),
	}
}

// Observe implements nameserver.Observer.
func (w *Witness) Observe(list ...nameserver.Query) {
	var first []nameserver.Query
	w.mu.Lock()
	for _, q := range list {
		if q.Type == dns.TypeTXT && q.Zone != "" && w.note(q, networkOf(q.From.Addr())) {
			first = append(first, q)
		}
	}
	w.mu.Unlock()
	if w.Log == nil {
		return
	}
	for _, q := range first {
		from := q.From.Addr()
		w.Log.Info("value asked for", "name", q.Name.Bare(), "from", from.Unmap().String(), "network", networkOf(from).String(), "values", q.Values)
	}
}

// note counts a query. It reports whether it is the first that brought a value
// to this network. w.mu is held.
func (w *Witness) note(q nameserver.Query, network netip.Prefix) (first bool) {
	askers := w.askers(q)
	if askers == nil {
		return false
	}
	a := askers[network]
	if a == nil {
		if len(askers) == mostNetworks {
			return false
		}
		a = &Asker{Network: network}
		askers[network] = a
		w.count++
	}
	first = q.Values > 0 && !a.Served()
	a.Queries++
	a.Last = q.Time
	if q.Values == 0 {
		a.Empty++
	}
	return first
}

// askers returns those of a name; nil where there is no room for more. Questions
// that bring no value take no room from names that have one.
func (w *Witness) askers(q nameserver.Query) map[netip.Prefix]*Asker {
	if w.names == nil {
		w.names = make(map[delegation.Name]map[netip.Prefix]*Asker)
	}
	askers, known := w.names[q.Name]
	if w.full(known) {
		w.forget(q.Time)
	}
	if w.full(known) {
		if q.Values == 0 {
			return nil
		}
		for name := range w.names {
			if name != q.Name {
				w.drop(name)
				break
			}
		}
	}
	if !known {
		askers = make(map[netip.Prefix]*Asker)
		w.names[q.Name] = askers
	}
	return askers
}

// full reports whether there is no room for another network, or for a name
// that is not known yet.
func (w *Witness) full(known bool) bool {
	return w.count >= mostAskers || !known && len(w.names) >= mostNames
}

func (w *Witness) drop(name delegation.Name) {
	w.count -= len(w.names[name])
	delete(w.names, name)
}

// forget makes room, and looks for some once a minute only.
func (w *Witness) forget(now time.Time) {
	if now.Sub(w.looked) < time.Minute {
		return
	}
	w.looked = now
	for name, askers := range w.names {
		w.count -= len(askers)
		maps.DeleteFunc(askers, func(_ netip.Prefix, a *Asker) bool { return now.Sub(a.Last) > remembered })
		w.count += len(askers)
		if len(askers) == 0 {
			delete(w.names, name)
		}
	}
}

// Renew forgets who has asked for a name: there is another value now.
func (w *Witness) Renew(name delegation.Name) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drop(name)
}

// Asked returns the networks that have asked for a name, sorted.
func (w *Witness) Asked(name delegation.Name) []Asker {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []Asker
	for _, a := range w.names[name] {
		all = append(all, *a)
	}
	slices.SortFunc(all, func(a, b Asker) int { return cmp.Compare(a.Network.String(), b.Network.String()) })
	return all
}

func networkOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 24
	if a.Is6() {
		bits = 48
	}
	p, _ := a.Prefix(bits)
	return p
}
