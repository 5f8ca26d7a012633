package powerdns

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

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

// single changes single values, so many in a request.
func (e *editor) single(ctx context.Context, records []dns01.Record, kind string) error {
	ttls := make(map[delegation.Name]time.Duration)
	if kind == "EXTEND" {
		var err error
		if ttls, err = e.ttls(ctx, records); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(records, most) {
		if err := e.zone.patch(ctx, changes(part, kind, ttls), true); err != nil {
			return err
		}
	}
	return nil
}

// ttls looks at the owners before values are added, because the server does not:
// it would put a second TTL into a record set (RFC 2181 §5.2), and a TXT record
// beside an alias, which has secondaries refuse the zone.
func (e *editor) ttls(ctx context.Context, records []dns01.Record) (map[delegation.Name]time.Duration, error) {
	ttls := make(map[delegation.Name]time.Duration)
	for _, r := range records {
		if _, twice := ttls[r.Owner]; !twice {
			ttls[r.Owner] = r.TTL
		}
	}
	sets, err := e.zone.at(ctx, slices.Collect(maps.Keys(ttls)))
	if err != nil {
		return nil, err
	}
	for _, s := range sets {
		owner, _ := delegation.ParseName(s.Name)
		switch _, ours := ttls[owner]; {
		case ours && s.Type == "TXT":
			ttls[owner] = time.Duration(s.TTL) * time.Second
		case ours && s.Type == "CNAME" && len(s.Records) > 0:
			return nil, &AliasError{Server: e.zone.account.Server(), Owner: owner, Target: s.Records[0].Content}
		}
	}
	return ttls, nil
}

// changes returns one change for each record. To remove one, its TTL does not
// matter.
func changes(records []dns01.Record, kind string, ttls map[delegation.Name]time.Duration) []set {
	var all []set
	for _, r := range records {
		all = append(all, set{
			Name: r.Owner.String(), Type: "TXT", TTL: seconds(ttls[r.Owner]), Change: kind,
			Records: []record{{Content: txt.Quote(r.Value)}},
		})
	}
	return all
}

// AliasError says that a TXT record would have to stand beside an alias.
type AliasError struct {
	Server string
	Owner  delegation.Name
	Target string // what the alias is for
}

func (e *AliasError) Error() string {
	return fmt.Sprintf("%s: %s is an alias (CNAME) for %s, and nothing can stand beside an alias", e.Server, e.Owner, e.Target)
}

// Hint says what to do.
func (e *AliasError) Hint() string {
	return fmt.Sprintf("remove the CNAME at %s, or let it be followed: the record then goes to %s", e.Owner, e.Target)
}
