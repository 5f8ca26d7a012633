package issuance

import (
	"context"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/store"
)

func (i *Issuer) journalFile() *store.Journal {
	if i.Journal != nil {
		return i.Journal
	}
	return i.Store.Journal()
}

// journal puts publications on disk before they are sent.
func (i *Issuer) journal(ps []dns01.Publication) error {
	var entries []store.Entry
	for _, p := range ps {
		entries = append(entries, entry(p.Removal()))
	}
	if err := i.journalFile().Add(entries...); err != nil {
		return err
	}
	for _, records := range byZone(ps) {
		i.tell(Journaled{records})
	}
	return nil
}

// Sweep removes the records that killed runs left: those in the journal while
// the caller holds the store's lock. It returns what is gone now; the errors of
// all zones are joined.
func Sweep(ctx context.Context, s *store.Store, credentials dns01.Credentials) ([]dns01.Record, error) {
	entries, err := s.Journal().Entries()
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	var left []dns01.Removal
	for _, e := range entries {
		left = append(left, removal(e))
	}
	gone, err := credentials.Remove(ctx, left)
	if failed := strike(s.Journal(), gone); failed != nil {
		return nil, failed
	}
	var records []dns01.Record
	for _, r := range gone {
		records = append(records, r.Record)
	}
	return records, err
}

// strike takes out of the journal what is gone.
func strike(j *store.Journal, gone []dns01.Removal) error {
	var entries []store.Entry
	for _, r := range gone {
		entries = append(entries, entry(r))
	}
	return j.Remove(entries...)
}

func entry(r dns01.Removal) store.Entry {
	return store.Entry{
		Time:  time.Now(),
		Zone:  r.Zone.String(),
		Owner: r.Owner.String(),
		Value: r.Value,
		TTL:   int(r.TTL / time.Second),
		Scope: r.Scope.String(),
	}
}

func removal(e store.Entry) dns01.Removal {
	return dns01.Removal{
		Record: dns01.Record{
			Zone:  delegation.Name(e.Zone),
			Owner: delegation.Name(e.Owner),
			Value: e.Value,
			TTL:   time.Duration(e.TTL) * time.Second,
		},
		Scope: delegation.Name(e.Scope),
	}
}
