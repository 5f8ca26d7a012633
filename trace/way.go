package trace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"certctl/delegation"
)

// Query is a name to be traced.
type Query struct {
	Name      string // as people write it
	Challenge delegation.Name
	Follow    delegation.Follow
}

// Way is the way to the place of one validation record.
type Way struct {
	Name   string
	Target *delegation.Target // as far as it could be followed: no Owner if Err is set
	Zones  []*Zone            // on the way, each after its parent
	Err    error              // why it could not be followed to the end

	pinned bool // the user said where the record belongs, whatever aliases say
}

// Zone is a zone on the way, and what its servers were asked.
type Zone struct {
	Apex     delegation.Name
	Cut      *delegation.Step // that leads into the zone; nil for the root
	Looks    []*Look          // in the order of the way
	Warnings []string         // where the zone and its parent contradict each other
	Err      error            // its servers are not known
}

// Purpose is what a zone's servers are asked for.
type Purpose string

// The purposes of questions.
const (
	Refer  Purpose = "refer"  // to the zone below, by NS records
	Follow Purpose = "follow" // an alias
	Place  Purpose = "place"  // of the validation record: the name is no alias
	Serve  Purpose = "serve"  // the zone itself
)

// Look is one question to the servers of a zone.
type Look struct {
	Purpose Purpose
	Name    delegation.Name
	Type    string           // NS, CNAME or SOA
	Step    *delegation.Step // that the answer makes; nil for Place and Serve
	Sample  bool             // only the server was asked that the way leads over
	Answers []Answer         // one for each address

	pinned bool // an alias is no fault
}

// Answer is what one address of a server says.
type Answer struct {
	delegation.Observation
	Fault string // what is wrong with it, "" if nothing
}

// sideBySide is how many names are traced at once.
const sideBySide = 32

// All traces names side by side, and returns their ways in the same order.
// Every server of a zone is asked for every name in it.
func All(ctx context.Context, r *delegation.Resolver, queries []Query) []*Way {
	return each(queries, func(q Query) *Way { return Trace(ctx, r, q) })
}

// Sampled is All for many names: each is looked up at one server of its zone
// only, and every server is asked for the zone itself, once for all names.
func Sampled(ctx context.Context, r *delegation.Resolver, queries []Query) []*Way {
	return each(queries, func(q Query) *Way { return follow(ctx, r, q, (*Way).sampleAll) })
}

func each(queries []Query, trace func(Query) *Way) []*Way {
	ways := make([]*Way, len(queries))
	slots := make(chan struct{}, sideBySide)
	var wg sync.WaitGroup
	for i, q := range queries {
		slots <- struct{}{}
		wg.Go(func() {
			ways[i] = trace(q)
			<-slots
		})
	}
	wg.Wait()
	return ways
}

// Trace follows one name. What is shared with other names traced by the same
// Resolver is asked once. It costs no more than delegation.Limit allows.
func Trace(ctx context.Context, r *delegation.Resolver, q Query) *Way {
	return follow(ctx, r, q, (*Way).sample)
}

func follow(ctx context.Context, r *delegation.Resolver, q Query, sample func(*Way)) *Way {
	ctx, stop := delegation.Limit(ctx)
	defer stop()
	w := &Way{Name: q.Name, pinned: q.Follow != delegation.Follow{}}
	w.Target, w.Err = r.Trace(ctx, q.Challenge, q.Follow)
	if w.Err == nil {
		w.Err = w.exists(ctx, r)
	}
	w.lay()
	sample(w)
	var wg sync.WaitGroup
	for _, z := range w.Zones {
		wg.Go(func() { z.ask(ctx, r) })
	}
	wg.Wait()
	return w
}

// lay makes zones and questions of the steps.
func (w *Way) lay() {
	w.Zones = []*Zone{{Apex: "."}}
	at := w.Target.Challenge
	for i := range w.Target.Steps {
		s := &w.Target.Steps[i]
		switch s.Kind {
		case delegation.Cut:
			w.zone(s.From).look(Refer, s.To, "NS", s)
			w.Zones = append(w.Zones, &Zone{Apex: s.To, Cut: s})
		case delegation.Alias:
			w.zone(s.Zone).look(Follow, s.From, "CNAME", s)
			at = s.To
		}
	}
	switch {
	case w.Target.Owner != "":
		w.zone(w.Target.Zone).look(Place, w.Target.Owner, "CNAME", nil).pinned = w.pinned
	case w.astray() == nil:
		w.closest(at).look(Place, at, "CNAME", nil)
	}
}

// astray returns the error of aliases that lead in a circle or too far, nil if
// they do not.
func (w *Way) astray() *delegation.AliasError {
	var e *delegation.AliasError
	if errors.As(w.Err, &e) {
		return e
	}
	return nil
}

// last reports whether aliases went astray with this one.
func (w *Way) last(s *delegation.Step) bool {
	return w.astray() != nil && s == &w.Target.Steps[len(w.Target.Steps)-1]
}

// sample spares servers that only pass the way on: those of a zone without a
// name of ours in it, or in a zone directly below, are the Internet's, and the
// one that was asked speaks for them.
func (w *Way) sample() {
	for _, z := range w.Zones {
		for _, l := range z.Looks {
			if l.Purpose == Refer && !w.zone(l.Name).holds() {
				l.Sample = true
			}
		}
	}
}

// sampleAll spares all servers: one of each zone speaks for the name, and what
// they all say about the zone is the same for all names. Where the name is the
// zone, that is one question.
func (w *Way) sampleAll() {
	w.sample()
	for _, z := range w.Zones {
		if !z.holds() || z.apexAsked() {
			continue
		}
		for _, l := range z.Looks {
			l.Sample = true
		}
		z.Looks = slices.Insert(z.Looks, 0, &Look{Purpose: Serve, Name: z.Apex, Type: "SOA"})
	}
}

func (z *Zone) apexAsked() bool {
	return slices.ContainsFunc(z.Looks, func(l *Look) bool { return l.Name == z.Apex })
}

// holds reports whether a name of the way is in the zone.
func (z *Zone) holds() bool {
	return slices.ContainsFunc(z.Looks, func(l *Look) bool { return l.Purpose != Refer })
}

// zone returns the zone with this apex. The steps have led into it.
func (w *Way) zone(apex delegation.Name) *Zone {
	for _, z := range w.Zones {
		if z.Apex == apex {
			return z
		}
	}
	z := &Zone{Apex: apex}
	w.Zones = append(w.Zones, z)
	return z
}

func (w *Way) closest(name delegation.Name) *Zone {
	best := w.Zones[0]
	for _, z := range w.Zones {
		if name.IsAtOrBelow(z.Apex) && z.Apex.Labels() > best.Apex.Labels() {
			best = z
		}
	}
	return best
}

func (z *Zone) look(p Purpose, name delegation.Name, rrtype string, s *delegation.Step) *Look {
	l := &Look{Purpose: p, Name: name, Type: rrtype, Step: s}
	z.Looks = append(z.Looks, l)
	return l
}

// Right reports whether the way leads to its end, and every server that could
// be asked says so.
func (w *Way) Right() bool { return w.Err == nil && len(w.Faults()) == 0 }

// Faults returns the answers that are wrong.
func (w *Way) Faults() []Answer {
	var faults []Answer
	for _, z := range w.Zones {
		for _, l := range z.Looks {
			for _, a := range l.Answers {
				if a.Fault != "" {
					faults = append(faults, a)
				}
			}
		}
	}
	return faults
}

// place returns what the servers say about the owner, nil where there is none.
func (w *Way) place() *Look {
	for _, z := range w.Zones {
		for _, l := range z.Looks {
			if l.Purpose == Place {
				return l
			}
		}
	}
	return nil
}

// Problem says why the way is not right, nil if it is.
func (w *Way) Problem() error {
	if faults := w.Faults(); w.Err == nil && len(faults) > 0 {
		return &FaultError{faults}
	}
	return w.Err
}

// FaultError says that servers on the way are wrong.
type FaultError struct{ Answers []Answer }

func (e *FaultError) Error() string {
	a := e.Answers[0]
	text := fmt.Sprintf("%s %s", joined(a.who(), "("+a.addr()+")"), a.Fault)
	if more := len(e.Answers) - 1; more > 0 {
		text += fmt.Sprintf(", and %s wrong", count(more, "more answer"))
	}
	return text
}
