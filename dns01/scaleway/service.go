package scaleway

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/hosted"
	"certctl/dns01/records"
	"certctl/dns01/txt"
	"certctl/dns01/web"
)

// service is Scaleway with one key.
type service struct{ account *web.Account }

// open implements hosted.Open. A zone is known by its name.
func (s *service) open(_ context.Context, name delegation.Name) (hosted.Editor, error) {
	return &records.Editor{Service: &zone{s.account, name}}, nil
}

// zone is one zone, a records.Service.
type zone struct {
	account *web.Account
	name    delegation.Name
}

// record is a record as the API has it.
type record struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name"`
	Type string `json:"type"`
	Data string `json:"data"`
	TTL  int64  `json:"ttl"`
}

// change is one of a batch.
type change struct {
	Add    *add    `json:"add,omitempty"`
	Delete *remove `json:"delete,omitempty"`
}

type add struct {
	Records []record `json:"records"`
}

type remove struct {
	ID string `json:"id"`
}

const (
	pageSize  = 100
	pages     = 1000 // more are not read
	batchSize = 100  // changes in a request
	lowestTTL = 60   // seconds
)

func (z *zone) call(ctx context.Context, method string, query url.Values, body, into any) error {
	err := z.account.Call(ctx, web.Request{Method: method, Path: "dns-zones/" + z.name.Bare() + "/records", Query: query, Body: body}, into)
	status, ok := errors.AsType[*web.StatusError](err)
	if ok && status.Status == http.StatusNotFound && !strings.Contains(status.Body, `"record"`) {
		return &web.NoZoneError{Server: z.account.Server(), Zone: z.name, Err: err}
	}
	return err
}

// sub returns an owner as the API has it.
func (z *zone) sub(owner delegation.Name) string {
	if owner == z.name {
		return ""
	}
	return owner.Relative(z.name)
}

// List implements records.Service.
func (z *zone) List(ctx context.Context, owner delegation.Name) ([]records.Entry, int, error) {
	query := url.Values{"type": {"TXT"}, "page_size": {strconv.Itoa(pageSize)}, "order_by": {"name_asc"}}
	if owner != "" && owner != z.name { // without a name it is all
		query.Set("name", z.sub(owner))
	}
	var entries []records.Entry
	seen := 0
	for page := 1; page <= pages; page++ {
		query.Set("page", strconv.Itoa(page))
		var answer struct {
			Total   int      `json:"total_count"`
			Records []record `json:"records"`
		}
		if err := z.call(ctx, http.MethodGet, query, nil, &answer); err != nil {
			return nil, 0, err
		}
		for _, r := range answer.Records {
			if e, ok := z.entry(r); ok {
				entries = append(entries, e)
			}
		}
		if seen += len(answer.Records); seen >= answer.Total || len(answer.Records) == 0 {
			return entries, page, nil
		}
	}
	return entries, pages, nil
}

func (z *zone) entry(r record) (records.Entry, bool) {
	name := z.name.String()
	if r.Name != "" {
		name = r.Name + "." + name
	}
	owner, wrong := delegation.ParseName(name)
	value, odd := txt.Unquote(r.Data)
	return records.Entry{ID: r.ID, Owner: owner, Value: value}, wrong == nil && odd == nil && r.Type == "TXT"
}

// Change implements records.Service.
func (z *zone) Change(ctx context.Context, added []dns01.Record, removed []records.Entry) error {
	var changes []change
	for _, e := range removed {
		changes = append(changes, change{Delete: &remove{e.ID}})
	}
	for _, r := range added {
		ttl := max(int64(r.TTL/time.Second), lowestTTL)
		changes = append(changes, change{Add: &add{[]record{{Name: z.sub(r.Owner), Type: "TXT", Data: txt.Quote(r.Value), TTL: ttl}}}})
	}
	for part := range slices.Chunk(changes, batchSize) {
		body := map[string]any{"changes": part, "return_all_records": false, "disallow_new_zone_creation": true}
		err := z.call(ctx, http.MethodPatch, nil, body, nil)
		status, ok := errors.AsType[*web.StatusError](err)
		if ok && (status.Status == http.StatusConflict || status.Status == http.StatusNotFound && strings.Contains(status.Body, `"record"`)) {
			return records.ErrChanged
		}
		if err != nil {
			return err
		}
	}
	return nil
}
