package hetzner

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/hosted"
	"certctl/dns01/records"
	"certctl/dns01/txt"
	"certctl/dns01/web"
)

// service is Hetzner with one project.
type service struct{ account *web.Account }

// editor edits one zone.
type editor struct {
	records.Editor
	zone *zone
}

// open implements hosted.Open.
func (s *service) open(ctx context.Context, name delegation.Name) (hosted.Editor, error) {
	z := &zone{account: s.account, name: name, there: make(map[delegation.Name]bool)}
	var answer struct {
		Zone struct{ Name, Mode string }
	}
	err := z.call(ctx, http.MethodGet, "", nil, nil, &answer)
	switch {
	case web.IsStatus(err, http.StatusNotFound):
		return nil, &web.NoZoneError{Server: s.account.Server(), Zone: name, Err: err}
	case err != nil:
		return nil, err
	case answer.Zone.Mode == "secondary":
		return nil, &web.CopyError{Server: s.account.Server(), Zone: name}
	}
	return &editor{records.Editor{Service: z}, z}, nil
}

// zone is one zone, a records.Service. Its records have no ids, but their values.
type zone struct {
	account *web.Account
	name    delegation.Name

	mu      sync.Mutex
	there   map[delegation.Name]bool // owners with a record set, when last seen
	running hosted.Pending           // actions that have not ended
}

func (z *zone) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
	return z.account.Call(ctx, web.Request{Method: method, Path: "zones/" + url.PathEscape(z.name.Bare()) + path, Query: query, Body: body}, into)
}

// path is where a record set is: its name is relative to the zone, or @.
func (z *zone) path(owner delegation.Name) string {
	return "/rrsets/" + url.PathEscape(owner.Relative(z.name)) + "/TXT"
}

// set is a record set as the API has it.
type set struct {
	Name    string
	Type    string
	Records []value
}

type value struct {
	Value string `json:"value"`
}

const (
	pageSize  = 50   // as many as there can be
	pages     = 1000 // more are not read
	lowestTTL = 60   // seconds
	wide      = 4    // requests at a time
)

// List implements records.Service.
func (z *zone) List(ctx context.Context, owner delegation.Name) ([]records.Entry, int, error) {
	if owner == "" {
		return z.listAll(ctx)
	}
	var answer struct{ RRSet set }
	err := z.call(ctx, http.MethodGet, z.path(owner), nil, nil, &answer)
	if web.IsStatus(err, http.StatusNotFound) {
		z.see(owner, false)
		return nil, 1, nil
	}
	if err != nil {
		return nil, 1, err
	}
	z.see(owner, true)
	return entries(owner, answer.RRSet), 1, nil
}

func (z *zone) listAll(ctx context.Context) (all []records.Entry, page int, err error) {
	z.forget()
	query := url.Values{"type": {"TXT"}, "per_page": {strconv.Itoa(pageSize)}}
	for page = 1; page <= pages; page++ {
		query.Set("page", strconv.Itoa(page))
		var answer struct {
			RRSets []set
			Meta   struct {
				Pagination struct {
					Last int `json:"last_page"`
				}
			}
		}
		if err := z.call(ctx, http.MethodGet, "/rrsets", query, nil, &answer); err != nil {
			return nil, page, err
		}
		for _, s := range answer.RRSets {
			if s.Type == "TXT" {
				owner := z.name.Below(s.Name)
				z.see(owner, true)
				all = append(all, entries(owner, s)...)
			}
		}
		if page >= answer.Meta.Pagination.Last {
			break
		}
	}
	return all, page, nil
}

func entries(owner delegation.Name, s set) []records.Entry {
	var es []records.Entry
	for _, r := range s.Records {
		if v, err := txt.Unquote(r.Value); err == nil {
			es = append(es, records.Entry{ID: r.Value, Owner: owner, Value: v})
		}
	}
	return es
}

// see notes whether an owner has a record set.
func (z *zone) see(owner delegation.Name, there bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.there[owner] = there
}

func (z *zone) forget() {
	z.mu.Lock()
	defer z.mu.Unlock()
	clear(z.there)
}

func (z *zone) seen(owner delegation.Name) bool {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.there[owner]
}

// order is what one record set is to gain or to lose.
type order struct {
	Records []value `json:"records"`
	TTL     int     `json:"ttl,omitempty"` // of a new set: one that is there keeps its own
}

// Change implements records.Service.
func (z *zone) Change(ctx context.Context, add []dns01.Record, remove []records.Entry) error {
	gains, losses := make(map[delegation.Name]order), make(map[delegation.Name]order)
	for _, r := range add {
		o := gains[r.Owner]
		if !z.seen(r.Owner) {
			o.TTL = max(int(r.TTL/time.Second), lowestTTL)
		}
		o.Records = append(o.Records, value{txt.Quote(r.Value)})
		gains[r.Owner] = o
	}
	for _, e := range remove {
		losses[e.Owner] = order{Records: append(losses[e.Owner].Records, value{e.ID})}
	}
	var g errgroup.Group
	g.SetLimit(wide)
	for owner, o := range gains {
		g.Go(func() error { return z.send(ctx, owner, "add_records", o) })
	}
	for owner, o := range losses {
		g.Go(func() error { return z.send(ctx, owner, "remove_records", o) })
	}
	return g.Wait()
}

// send changes one record set.
func (z *zone) send(ctx context.Context, owner delegation.Name, what string, o order) error {
	var answer struct{ Action action }
	err := z.call(ctx, http.MethodPost, z.path(owner)+"/actions/"+what, nil, o, &answer)
	switch {
	case err == nil:
		return z.follow(answer.Action, what == "add_records")
	case web.IsStatus(err, http.StatusConflict), web.IsStatus(err, http.StatusLocked):
		return records.ErrChanged
	case web.IsStatus(err, http.StatusNotFound) && what == "remove_records":
		return records.ErrChanged
	case web.IsStatus(err, http.StatusUnprocessableEntity):
		return z.doubt(ctx, owner, what, o, err)
	}
	return err
}

// doubt finds out whether a request was not understood because the set is not
// what it was: there is one now, with another TTL, or with some of the values.
func (z *zone) doubt(ctx context.Context, owner delegation.Name, what string, o order, err error) error {
	now, _, failed := z.List(ctx, owner)
	if failed != nil {
		return failed
	}
	has := func(v value) bool {
		return slices.ContainsFunc(now, func(e records.Entry) bool { return e.ID == v.Value })
	}
	lacks := func(v value) bool { return !has(v) }
	switch {
	case what == "add_records" && (o.TTL > 0 && len(now) > 0 || slices.ContainsFunc(o.Records, has)):
		return records.ErrChanged
	case what == "remove_records" && slices.ContainsFunc(o.Records, lacks):
		return records.ErrChanged
	}
	return err
}
