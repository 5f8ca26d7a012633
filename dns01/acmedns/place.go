package acmedns

import (
	"context"
	"errors"
	"time"

	"certctl/dns01"
)

// capacity is how many values acme-dns keeps for a registration.
const capacity = 2

// second is the precision of the time by which acme-dns finds the older of two
// values.
const second = time.Second

// place is what we know of one registration's values: those published since the
// last moment at which none was in use. As long as these are no more than the
// capacity, none of them has pushed out another.
type place struct {
	values map[string]*use
	last   time.Time // when the server last answered
}

// use is what became of a value.
type use struct {
	there    bool // the server has said so
	released bool
}

// with returns how many values there would be with these.
func (p *place) with(values []string) int {
	all := make(map[string]bool)
	for v := range p.values {
		all[v] = true
	}
	for _, v := range values {
		all[v] = true
	}
	return len(all)
}

// holds reports whether a value is there, and takes it into use again.
func (p *place) holds(value string) bool {
	u := p.values[value]
	if u == nil || !u.there {
		return false
	}
	u.released = false
	return true
}

// begin notes that a value is about to be sent. It lets a second pass between
// old values and the first new one: of two that are equally old by the server's
// clock nobody knows which one it would replace, and it might be the new one.
func (p *place) begin(ctx context.Context, value string) error {
	if len(p.values) == 0 && !p.last.IsZero() {
		timer := time.NewTimer(time.Until(p.last.Add(second)))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if p.values[value] == nil {
		p.values[value] = new(use)
	}
	return nil
}

// sent notes what has come of it. Where nobody knows, the value may be there.
func (p *place) sent(value string, err error) {
	p.last = time.Now()
	_, refused := errors.AsType[dns01.Refusal](err)
	_, unsent := errors.AsType[*dns01.UnwrittenError](err)
	switch {
	case err == nil:
		p.values[value].there = true
	case refused || unsent:
		delete(p.values, value)
	}
}

// release notes that a value is not needed any more. It still takes up its place
// until none is needed.
func (p *place) release(value string) {
	if u := p.values[value]; u != nil {
		u.released = true
	}
	for _, u := range p.values {
		if !u.released {
			return
		}
	}
	clear(p.values)
}
