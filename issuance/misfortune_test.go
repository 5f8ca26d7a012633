package issuance_test

import (
	"fmt"
	"time"

	"certctl/lab/hostile"
)

// trouble is something that goes wrong for a while.
type trouble struct {
	name  string
	lasts time.Duration
	begin func() (relief func())
}

// misfortunes are all that can happen. None lasts so long that a certificate
// could not be saved.
func (l *life) misfortunes() []trouble {
	with := func(name string, lasts time.Duration, t hostile.Trouble) trouble {
		return trouble{name, lasts, func() func() {
			l.first.Trouble(t)
			return func() { l.first.Trouble(hostile.Trouble{}) }
		}}
	}
	return []trouble{
		with("down", 5*days, hostile.Trouble{Down: true}),
		with("500 with Retry-After", 2*days, hostile.Trouble{Status: 500, RetryAfter: time.Minute}),
		with("503", 2*days, hostile.Trouble{Status: 503}),
		with("429", 2*days, hostile.Trouble{Status: 429}),
		with("429 with Retry-After", 2*days, hostile.Trouble{Status: 429, RetryAfter: 20 * hour}),
		with("processing", 2*days, hostile.Trouble{Processing: 40 * time.Minute}),
		with("invalid orders", 2*days, hostile.Trouble{Invalid: true}),
		with("certificates for other keys", 1*days, hostile.Trouble{OtherKey: true}),
		with("bad nonces", 9*days, hostile.Trouble{BadNonces: 3}),
		with("blind", 2*days, hostile.Trouble{Blind: true}),
		{"incident", 3 * days, func() func() {
			l.first.Recall("https://first.test/incident")
			return func() {}
		}},
		{"both down", 2 * days, func() func() {
			l.first.Trouble(hostile.Trouble{Down: true})
			l.second.Trouble(hostile.Trouble{Down: true})
			return func() {
				l.first.Trouble(hostile.Trouble{})
				l.second.Trouble(hostile.Trouble{})
			}
		}},
		{"read-only DNS", 2 * days, func() func() {
			l.readOnly = true
			return func() { l.readOnly = false }
		}},
		{"moved delegations", 3 * days, func() func() {
			l.move()
			return func() {}
		}},
		{"broken delegations", 2 * days, l.mislead},
		{"dead nameserver", 6 * days, l.silence},
		{"limit used up by others, and new names", 4 * days, l.crowd},
		{"lost suggestion", 3 * days, func() func() {
			l.first.Change(func(p *hostile.Policy) { p.Windows = false })
			return func() { l.first.Change(func(p *hostile.Policy) { p.Windows = true }) }
		}},
	}
}

// crowd has others use up the limit of each domain, and the names of two
// certificates change.
func (l *life) crowd() (relief func()) {
	for n := range l.domains {
		l.first.Spend(domain(n), 60)
		l.second.Spend(domain(n), 60)
	}
	for range 2 {
		c := l.certs[l.random.IntN(len(l.certs))]
		extra := "www." + c.Certificate
		if len(c.Names) > 0 && c.Names[len(c.Names)-1] == extra {
			c.Names = c.Names[:len(c.Names)-1]
		} else {
			c.Names = append(c.Names[:len(c.Names):len(c.Names)], extra)
		}
	}
	return func() {}
}

// misfortune ends the trouble of now when its time has come, and begins
// another a while later.
func (l *life) misfortune() {
	now := time.Now()
	switch {
	case now.Before(l.until):
	case l.relief != nil:
		l.relief()
		l.relief = nil
		l.until = now.Add(time.Duration(2+l.random.IntN(18)) * days)
	case time.Since(l.born) > 7*days:
		t := l.troubles[l.random.IntN(len(l.troubles))]
		if l.met == nil {
			l.met = map[string]int{}
		}
		l.met[t.name]++
		l.relief, l.until = t.begin(), now.Add(t.lasts)
	}
}

func domain(n int) string { return fmt.Sprintf("d%d.test", n) }
