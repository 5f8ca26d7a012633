package powerdns

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/rrset"
	"certctl/dns01/txt"
	"certctl/dns01/web"
)

// editor adds and removes single values, or has the editor of record sets do so
// where the server is too old for that.
type editor struct {
	zone   *zone
	old    *rrset.Editor
	tooOld atomic.Bool
}

// Add implements hosted.Editor.
func (e *editor) Add(ctx context.Context, records []dns01.Record) error {
	return e.change(ctx, records, "EXTEND", (*rrset.Editor).Add)
}

// Remove implements hosted.Editor.
func (e *editor) Remove(ctx context.Context, records []dns01.Record) error {
	return e.change(ctx, records, "PRUNE", (*rrset.Editor).Remove)
}

// Look implements hosted.Editor.
func (e *editor) Look(ctx context.Context, owner delegation.Name) error {
	return e.old.Look(ctx, owner)
}

func (e *editor) change(ctx context.Context, records []dns01.Record, kind string, replace func(*rrset.Editor, context.Context, []dns01.Record) error) error {
	if !e.tooOld.Load() {
		err := e.single(ctx, records, kind)
		if !unknown(err) {
			return err
		}
		e.tooOld.Store(true)
	}
	return replace(e.old, ctx, records)
}

// unknown reports whether an answer says that there is no such change.
func unknown(err error) bool {
	status, ok := errors.AsType[*web.StatusError](err)
	return ok && status.Status/100 == 4 && strings.Contains(status.Body, "hangetype")
}

// single changes single values, so many in a request. The records of a set have
// one TTL: where a set that is there has another one than we want, the server
// refuses ours.
func (e *editor) single(ctx context.Context, records []dns01.Record, kind string) error {
	for part := range slices.Chunk(records, most) {
		err := e.zone.patch(ctx, changes(part, kind, nil), again)
		if !unknown(err) && web.IsStatus(err, http.StatusUnprocessableEntity) {
			var sets []rrset.Set
			if sets, err = e.zone.ReadMany(ctx, nil); err == nil {
				err = e.zone.patch(ctx, changes(part, kind, sets), again)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// again has a request repeated that the server failed at: it does no harm to add
// or remove the same value twice.
func again(e *web.StatusError) bool { return failed(e) }

// changes returns one change for each record, with the TTL of the set that is
// there.
func changes(records []dns01.Record, kind string, there []rrset.Set) []set {
	var all []set
	for _, r := range records {
		ttl := r.TTL
		at := func(s rrset.Set) bool { return s.Owner == r.Owner }
		if i := slices.IndexFunc(there, at); i >= 0 {
			ttl = there[i].TTL
		}
		all = append(all, set{
			Name: r.Owner.String(), Type: "TXT", TTL: seconds(ttl), Change: kind,
			Records: []record{{Content: txt.Quote(r.Value)}},
		})
	}
	return all
}
