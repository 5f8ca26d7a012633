package ovh

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/hosted"
	"certctl/dns01/records"
	"certctl/dns01/token"
	"certctl/dns01/txt"
	"certctl/dns01/web"
)

// service is OVHcloud with one key.
type service struct {
	client  *web.Client
	account *web.Account   // of a consumer key
	tokens  *token.Account // of a service account
	region  string
	ahead   time.Duration // of the service's clock before ours
}

// wide is how many requests go at a time.
const wide = 8

// open implements hosted.Open. It sets the clock by which requests are signed.
func (s *service) open(ctx context.Context, name delegation.Name) (hosted.Editor, error) {
	if s.account != nil {
		var now int64
		if err := s.call(ctx, http.MethodGet, "auth/time", nil, nil, &now); err != nil {
			return nil, fmt.Errorf("the service's time: %w", err)
		}
		s.ahead = time.Until(time.Unix(now, 0))
	}
	z := &zone{service: s, name: name}
	return &editor{records.Editor{Service: z}, z}, nil
}

func (s *service) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
	r := web.Request{Method: method, Path: path, Query: query, Body: body}
	if s.account != nil {
		return s.account.Call(ctx, r, into)
	}
	_, err := s.tokens.Call(ctx, r, into)
	return err
}

// editor edits a zone, and refreshes it. That is done also when there was nothing
// to do: who did it may not have come to the refresh.
type editor struct {
	records.Editor
	zone *zone
}

// Add implements hosted.Editor.
func (e *editor) Add(ctx context.Context, rs []dns01.Record) error {
	if err := e.Editor.Add(ctx, rs); err != nil {
		return err
	}
	return e.zone.refresh(ctx)
}

// Remove implements hosted.Editor.
func (e *editor) Remove(ctx context.Context, rs []dns01.Record) error {
	if err := e.Editor.Remove(ctx, rs); err != nil {
		return err
	}
	return e.zone.refresh(ctx)
}

// zone is one zone, a records.Service.
type zone struct {
	service *service
	name    delegation.Name
}

func (z *zone) path(rest string) string { return "domain/zone/" + z.name.Bare() + rest }

func (z *zone) refresh(ctx context.Context) error {
	if err := z.service.call(ctx, http.MethodPost, z.path("/refresh"), nil, nil, nil); err != nil {
		return fmt.Errorf("refresh: %w", err)
	}
	return nil
}

// record is a record as the API has it.
type record struct {
	ID        int64  `json:"id,omitempty"`
	FieldType string `json:"fieldType"`
	SubDomain string `json:"subDomain"`
	Target    string `json:"target"`
	TTL       int64  `json:"ttl"`
}

const lowestTTL = 60 // seconds

// List implements records.Service.
func (z *zone) List(ctx context.Context, owner delegation.Name) ([]records.Entry, int, error) {
	query := url.Values{"fieldType": {"TXT"}}
	if owner != "" {
		query.Set("subDomain", z.sub(owner))
	}
	var ids []int64
	err := z.service.call(ctx, http.MethodGet, z.path("/record"), query, nil, &ids)
	if status, ok := errors.AsType[*web.StatusError](err); ok && status.Status == http.StatusNotFound {
		return nil, 0, &web.NoZoneError{Server: z.service.client.Server(), Zone: z.name, Err: err}
	}
	if err != nil {
		return nil, 0, err
	}
	found := make([]*records.Entry, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(wide)
	for i, id := range ids {
		g.Go(func() (err error) {
			found[i], err = z.read(ctx, id)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, 0, err
	}
	var entries []records.Entry
	for _, e := range found {
		if e != nil && (owner == "" || e.Owner == owner) {
			entries = append(entries, *e)
		}
	}
	return entries, 1, nil
}

// sub returns an owner as the API has it.
func (z *zone) sub(owner delegation.Name) string {
	if owner == z.name {
		return ""
	}
	return owner.Relative(z.name)
}

// read reads a record; nil if it is gone, or none that we could have written.
func (z *zone) read(ctx context.Context, id int64) (*records.Entry, error) {
	var r record
	err := z.service.call(ctx, http.MethodGet, z.path("/record/"+strconv.FormatInt(id, 10)), nil, nil, &r)
	if status, ok := errors.AsType[*web.StatusError](err); ok && status.Status == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	name := z.name.String()
	if r.SubDomain != "" {
		name = r.SubDomain + "." + name
	}
	owner, wrong := delegation.ParseName(name)
	value, odd := txt.Unquote(r.Target)
	if wrong != nil || odd != nil || r.FieldType != "TXT" {
		return nil, nil
	}
	return &records.Entry{ID: strconv.FormatInt(id, 10), Owner: owner, Value: value}, nil
}

// Change implements records.Service.
func (z *zone) Change(ctx context.Context, add []dns01.Record, remove []records.Entry) error {
	return records.OneByOne(wide, add, remove, func(r dns01.Record) error {
		body := record{FieldType: "TXT", SubDomain: z.sub(r.Owner), Target: txt.Quote(r.Value), TTL: max(int64(r.TTL/time.Second), lowestTTL)}
		return z.service.call(ctx, http.MethodPost, z.path("/record"), nil, body, nil)
	}, func(e records.Entry) error {
		err := z.service.call(ctx, http.MethodDelete, z.path("/record/"+e.ID), nil, nil, nil)
		if status, ok := errors.AsType[*web.StatusError](err); ok && status.Status == http.StatusNotFound {
			return records.ErrChanged
		}
		return err
	})
}
