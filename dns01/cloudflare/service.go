package cloudflare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// service is Cloudflare with one account.
type service struct {
	account *web.Account
	zoneID  string // "": looked up
}

// open implements hosted.Open.
func (s *service) open(ctx context.Context, name delegation.Name) (hosted.Editor, error) {
	id := s.zoneID
	if id == "" {
		var err error
		if id, err = s.find(ctx, name); err != nil {
			return nil, err
		}
	}
	return &records.Editor{Service: &zone{account: s.account, name: name, id: id}}, nil
}

// find returns the id of the zone with a name. A name may be there twice, while
// a zone moves between accounts; then the active one counts.
func (s *service) find(ctx context.Context, name delegation.Name) (string, error) {
	var answer struct {
		Result []struct{ ID, Name, Status string }
	}
	query := url.Values{"name": {name.Bare()}, "per_page": {"50"}}
	if err := s.account.Call(ctx, web.Request{Method: http.MethodGet, Path: "zones", Query: query}, &answer); err != nil {
		return "", err
	}
	var all, active []string
	for _, z := range answer.Result {
		if !strings.EqualFold(z.Name, name.Bare()) {
			continue
		}
		if all = append(all, z.ID); z.Status == "active" {
			active = append(active, z.ID)
		}
	}
	switch {
	case len(active) == 1:
		return active[0], nil
	case len(all) == 1:
		return all[0], nil
	case len(all) == 0:
		return "", &web.NoZoneError{Server: s.account.Server(), Zone: name}
	}
	return "", &web.ManyZonesError{Server: s.account.Server(), Zone: name, IDs: all}
}

// zone is one zone, a records.Service.
type zone struct {
	account *web.Account
	name    delegation.Name
	id      string
}

// record is a DNS record as the API has it. It writes a name without the final
// dot.
type record struct {
	ID      string `json:"id,omitempty"`
	Type    string `json:"type"`
	Name    string `json:"name"`
	Content string `json:"content"`
	TTL     int    `json:"ttl"`
}

const (
	pageSize  = 100
	pages     = 1000 // more are not read
	batchSize = 200  // changes in a batch, of a zone on the free plan
	lowestTTL = 60   // seconds, but for enterprises
)

// List implements records.Service.
func (z *zone) List(ctx context.Context, owner delegation.Name) (entries []records.Entry, page int, err error) {
	query := url.Values{"type": {"TXT"}, "per_page": {strconv.Itoa(pageSize)}}
	if owner != "" {
		query.Set("name.exact", owner.Bare())
	}
	for page = 1; page <= pages; page++ {
		query.Set("page", strconv.Itoa(page))
		var answer struct {
			Result []record
			Info   struct {
				Pages int `json:"total_pages"`
			} `json:"result_info"`
		}
		if err := z.call(ctx, http.MethodGet, "", query, nil, &answer); err != nil {
			return nil, page, err
		}
		for _, r := range answer.Result {
			if e, ok := r.entry(); ok {
				entries = append(entries, e)
			}
		}
		if page >= answer.Info.Pages {
			break
		}
	}
	return entries, page, nil
}

func (z *zone) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
	err := z.account.Call(ctx, web.Request{Method: method, Path: "zones/" + z.id + "/dns_records" + path, Query: query, Body: body}, into)
	if codes := errorCodes(err); slices.Contains(codes, noRoute) || slices.Contains(codes, noSuchZone) {
		return &web.NoZoneError{Server: z.account.Server(), Zone: z.name, Err: err}
	}
	return err
}

// entry reads a record. Old ones have no quotation marks.
func (r record) entry() (records.Entry, bool) {
	owner, err := delegation.ParseName(r.Name)
	if err != nil || r.Type != "TXT" {
		return records.Entry{}, false
	}
	value := r.Content
	if strings.HasPrefix(value, `"`) {
		if value, err = txt.Unquote(value); err != nil {
			return records.Entry{}, false
		}
	}
	return records.Entry{ID: r.ID, Owner: owner, Value: value}, true
}

// batch is what is done at once, or not at all: first what is in deletes.
type batch struct {
	Deletes []reference `json:"deletes,omitempty"`
	Posts   []record    `json:"posts,omitempty"`
}

type reference struct {
	ID string `json:"id"`
}

// Change implements records.Service.
func (z *zone) Change(ctx context.Context, add []dns01.Record, remove []records.Entry) error {
	for part := range slices.Chunk(add, batchSize) {
		var b batch
		for _, r := range part {
			ttl := max(int(r.TTL/time.Second), lowestTTL)
			b.Posts = append(b.Posts, record{Type: "TXT", Name: r.Owner.Bare(), Content: txt.Quote(r.Value), TTL: ttl})
		}
		if err := z.send(ctx, b); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(remove, batchSize) {
		var b batch
		for _, e := range part {
			b.Deletes = append(b.Deletes, reference{e.ID})
		}
		if err := z.send(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// The codes of errors that mean something to us.
const (
	identical  = 81058 // the record is there already
	missing    = 81044 // or gone
	noRoute    = 7003  // the zone's id is no id
	noSuchZone = 1001  // or that of none
)

func (z *zone) send(ctx context.Context, b batch) error {
	var answer struct {
		Result struct{ Posts []record }
	}
	err := z.call(ctx, http.MethodPost, "/batch", nil, b, &answer)
	if codes := errorCodes(err); slices.Contains(codes, identical) || slices.Contains(codes, missing) {
		return records.ErrChanged
	}
	if err != nil {
		return err
	}
	return z.compare(ctx, b.Posts, answer.Result.Posts)
}

// compare checks that the records are where they were to be. A name that is not
// in the zone with this id would be taken for one relative to it.
func (z *zone) compare(ctx context.Context, want, got []record) error {
	var astray []reference
	for i, r := range got {
		if i < len(want) && !strings.EqualFold(strings.TrimSuffix(r.Name, "."), want[i].Name) {
			astray = append(astray, reference{r.ID})
		}
	}
	if len(got) != len(want) {
		return &web.FormError{Server: z.account.Server()}
	}
	if len(astray) == 0 {
		return nil
	}
	err := fmt.Errorf("zone_id: %s is not the id of %s", z.id, z.name.Bare())
	return errors.Join(err, z.call(ctx, http.MethodPost, "/batch", nil, batch{Deletes: astray}, nil))
}

// errorCodes returns the codes in an answer that says no.
func errorCodes(err error) []int {
	status, ok := errors.AsType[*web.StatusError](err)
	if !ok {
		return nil
	}
	var answer struct {
		Errors []struct{ Code int }
	}
	_ = json.Unmarshal([]byte(status.Body), &answer)
	var codes []int
	for _, e := range answer.Errors {
		codes = append(codes, e.Code)
	}
	return codes
}
