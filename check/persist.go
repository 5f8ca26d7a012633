package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"certctl/dns01"
	"certctl/dns01/txt"
	"certctl/persist"
)

// lookForLasting looks for the records of dns-persist-01 as a CA does, at every
// server.
func (r *run) lookForLasting(ctx context.Context) {
	var lasting []*place
	for _, p := range r.located() {
		switch {
		case p.Persist != nil:
			lasting = append(lasting, p)
		case p.Err != nil:
			r.findings.add("persist-unknown", p.Domain, fmt.Sprintf("whether a record lets the CA issue is not known: %v", p.Err), cmp.Or(hint(p.Err), "try again later"))
		}
	}
	each(r, lasting, func(p *place) (fs findings) {
		sights, err := dns01.Look(ctx, r.Client, p.target)
		if err == nil {
			fs.lasting(p, sights, time.Now())
		}
		return fs
	})
}

// lasting judges what the servers have. That one gives no answer is found
// elsewhere.
func (fs *findings) lasting(p *place, sights []dns01.Sight, now time.Time) {
	sights = slices.DeleteFunc(sights, func(s dns01.Sight) bool { return s.Answer != "" })
	var all []persist.Standing
	var seen []Evidence
	with := 0
	for _, s := range sights {
		standing := p.Persist.Judge(s.Values, now)
		all = append(all, standing...)
		if persist.Best(standing) != nil {
			with++
		}
		seen = append(seen, Evidence{at(s.Server.Name, s.Server.Addrs[0]), "TXT " + p.target.Owner.Bare(), judged(standing)})
	}
	fs.unfit(p, all)
	switch owner := p.target.Owner.Bare(); {
	case with == len(sights) && with > 0:
		fs.stands(p, persist.Best(all), now, seen)
	case with > 0:
		fs.add("persist-differs", p.Domain, fmt.Sprintf("not every server has the record at %s that lets the CA issue", owner),
			"see to it that all servers have the newest zone: are they notified, and may they transfer it?", seen...)
	case p.grant != nil:
		fs.add("persist-new", p.Domain, fmt.Sprintf("no record at %s lets the CA issue to this account yet: an order writes one, which stays", owner), "", seen...)
	default:
		fs.add("persist-none", p.Domain, fmt.Sprintf("no record at %s lets the CA issue to this account, and no credential may write one", owner), p.wanted(), seen...)
	}
}

// judged says what one server has for the CA.
func judged(all []persist.Standing) string {
	if len(all) == 0 {
		return "no record for the CA"
	}
	var words []string
	for _, s := range all {
		words = append(words, fmt.Sprintf("%s %s", s.Value, s.Judgement()))
	}
	return strings.Join(words, ", ")
}

// wanted says which record is to be added by hand.
func (p *place) wanted() string {
	return fmt.Sprintf("have the record %s TXT %s added, or configure a key that may write it", p.target.Owner, txt.Quote(p.Persist.Record(time.Time{}).String()))
}

// unfit finds records that no CA accepts. Those for another account, or for the
// name without its wildcard, may be meant as they are.
func (fs *findings) unfit(p *place, all []persist.Standing) {
	var told []string
	for _, s := range all {
		if s.Flaw != persist.Malformed && s.Flaw != persist.Expired || slices.Contains(told, s.Value) {
			continue
		}
		told = append(told, s.Value)
		fs.add("persist-unfit", p.Domain, fmt.Sprintf("a record at %s %s: %s", p.target.Owner.Bare(), s.Judgement(), s.Value),
			fmt.Sprintf("remove the record at %s", p.target.Owner.Bare()))
	}
}

// stands judges the record that lets the CA issue.
func (fs *findings) stands(p *place, best *persist.Standing, now time.Time, seen []Evidence) {
	owner, end := p.target.Owner.Bare(), ""
	if !best.Until.IsZero() {
		end = " until " + best.Until.UTC().Format(time.DateOnly)
	}
	fs.add("persist-stands", p.Domain, fmt.Sprintf("the record at %s lets the CA issue%s, and nothing need be written", owner, end), "", seen...)
	left := persist.EndsSoon
	if p.grant != nil && p.PersistFor > 0 {
		left = p.PersistFor / 6 // an order has not replaced it by then, when a third was left
	}
	if best.EndsBefore(now.Add(left)) {
		fs.add("persist-ending", p.Domain, fmt.Sprintf("the record at %s lets the CA issue%s only", owner, end), p.wanted(), seen...)
	}
}
