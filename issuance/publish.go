package issuance

import (
	"context"
	"errors"
	"slices"
	"time"

	"certctl/delegation"
	"certctl/dns01"
)

// cleanUpTime bounds what is still done after the run has failed or was
// interrupted.
const cleanUpTime = time.Minute

// afterwards returns a context for cleaning up, which the user's interruption
// does not end.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
}

// publish journals all records of the batch that are not to stay, and then
// writes all of them: one call a zone and credential. What it has journaled,
// remove removes, whatever happens in between.
func (i *Issuer) publish(ctx context.Context, b *batch) {
	b.published = nil
	publications, passing := b.publications(record.written), b.publications(record.passing)
	if len(publications) == 0 {
		return
	}
	if err := i.journal(passing); err != nil {
		b.blame(Publishing, err)
		return
	}
	b.published = passing
	err := dns01.Publish(dns01.WithBusy(ctx, i.busy), publications)
	for _, p := range publications {
		if slices.ContainsFunc(split(err), func(e error) bool { return concerns(e, p.Grant) }) {
			b.refused[update{p.Target.Zone, p.Credential.Scope}] = true
		}
	}
	i.takeBack(b, err)
	b.blame(Publishing, err)
	for _, verified := range []bool{true, false} {
		some := slices.DeleteFunc(b.publications(record.written), func(p dns01.Publication) bool {
			return p.Credential.Verifies() != verified
		})
		for _, records := range byZone(some) {
			i.tell(Published{records, verified})
		}
	}
}

// busy tells of a service that makes us wait.
func (i *Issuer) busy(b dns01.Busy) { i.tell(Warned{Text: b.String()}) }

// takeBack strikes from the journal what was never written.
func (i *Issuer) takeBack(b *batch, err error) {
	var unwritten []dns01.Removal
	for _, e := range split(err) {
		if _, ok := errors.AsType[*dns01.UnwrittenError](e); !ok {
			continue
		}
		b.published = slices.DeleteFunc(b.published, func(p dns01.Publication) bool {
			own := concerns(e, p.Grant)
			if own {
				unwritten = append(unwritten, p.Removal())
			}
			return own
		})
	}
	if err := strike(i.journalFile(), unwritten); err != nil {
		i.tell(Warned{Text: err.Error()})
	}
}

// wait returns when every authoritative server of every zone has the records.
func (i *Issuer) wait(ctx context.Context, b *batch) {
	publications := b.publications(record.any)
	if len(publications) == 0 {
		return
	}
	names := b.namesAt()
	b.blame(Waiting, dns01.Wait(ctx, i.Client, publications, func(o dns01.Observation) {
		i.tell(Observed{Names: names[o.Owner], Observation: o})
	}))
}

// remove removes whatever was or may have been published and is not to stay,
// and strikes it from the journal. What cannot be removed stays there for the
// next run, and is no reason for a certificate to fail.
func (i *Issuer) remove(ctx context.Context, b *batch) {
	i.withdraw(b)
	i.removeAll(ctx, b, append(b.published, b.outdated()...))
}

// clear removes what was published in a round, before the next one.
func (i *Issuer) clear(ctx context.Context, b *batch) {
	i.removeAll(ctx, b, b.published)
	b.published = nil
}

func (i *Issuer) removeAll(ctx context.Context, b *batch, useless []dns01.Publication) {
	if len(useless) == 0 {
		return
	}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	gone, err := dns01.Remove(dns01.WithBusy(ctx, i.busy), useless)
	if err != nil {
		i.tell(Warned{Text: "records are left behind, and in the journal for the next run: " + err.Error()})
	}
	if err := strike(i.journalFile(), gone); err != nil {
		i.tell(Warned{Text: err.Error()})
		return
	}
	for _, records := range grouped(b.written(gone)) {
		i.tell(Removed{records})
	}
}

// written returns the records that are known to have been there: those of
// updates that were taken.
func (b *batch) written(gone []dns01.Removal) []dns01.Record {
	var records []dns01.Record
	for _, r := range gone {
		if !b.refused[update{r.Zone, r.Scope}] {
			records = append(records, r.Record)
		}
	}
	return records
}

// publications returns certain records of all jobs that have not failed.
func (b *batch) publications(wanted func(record) bool) []dns01.Publication {
	var ps []dns01.Publication
	for _, j := range b.alive() {
		for _, r := range j.records {
			if r.round == b.round && wanted(r) {
				ps = append(ps, r.publication())
			}
		}
	}
	return ps
}

// outdated returns what new records have replaced.
func (b *batch) outdated() []dns01.Publication {
	var ps []dns01.Publication
	for _, j := range b.alive() {
		for _, r := range j.records {
			for _, value := range r.outdated {
				ps = append(ps, dns01.Publication{Grant: r.Grant, Value: value})
			}
		}
	}
	return ps
}

// blame fails the jobs that an error of a step concerns: those with a record in
// the zone that it names, under the credential that it names, or all when it
// names none.
func (b *batch) blame(s Step, err error) {
	errs := split(err)
	for _, j := range b.alive() {
		var own []error
		for _, e := range errs {
			if j.concerned(e, s) {
				own = append(own, e)
			}
		}
		b.fail(j, s, errors.Join(own...))
	}
}

// split returns the errors that were joined.
func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// concerns reports whether an error is about what is done under a grant; one
// that names no zone is about everything.
func concerns(err error, g dns01.Grant) bool {
	var writing *dns01.ZoneError
	var waiting *dns01.PropagationError
	switch {
	case errors.As(err, &writing):
		return writing.Concerns(g)
	case errors.As(err, &waiting):
		return waiting.Zone == g.Target.Zone
	}
	return true
}

// concerned reports whether an error of a step is about one of the job's records.
// Where its records stand, it does not write.
func (j *job) concerned(err error, s Step) bool {
	return slices.ContainsFunc(j.records, func(r record) bool {
		return concerns(err, r.Grant) && (s != Publishing || r.written())
	})
}

// namesAt returns, for each owner name, the ordered names whose records are
// there.
func (b *batch) namesAt() map[delegation.Name][]string {
	names := make(map[delegation.Name][]string)
	for _, j := range b.alive() {
		for _, r := range j.records {
			names[r.Target.Owner] = append(names[r.Target.Owner], r.Name)
		}
	}
	return names
}

// records returns the records of publications, grouped by zone.
func byZone(ps []dns01.Publication) [][]dns01.Record {
	var records []dns01.Record
	for _, p := range ps {
		records = append(records, p.Record())
	}
	return grouped(records)
}

// grouped groups records by their zone, in the order of first appearance, each
// once.
func grouped(records []dns01.Record) [][]dns01.Record {
	var zones [][]dns01.Record
	index := make(map[delegation.Name]int)
	for _, r := range records {
		n, known := index[r.Zone]
		if !known {
			n = len(zones)
			index[r.Zone] = n
			zones = append(zones, nil)
		}
		if !slices.Contains(zones[n], r) {
			zones[n] = append(zones[n], r)
		}
	}
	return zones
}
