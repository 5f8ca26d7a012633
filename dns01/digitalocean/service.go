package digitalocean

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/hosted"
	"certctl/dns01/records"
	"certctl/dns01/web"
)

// service is DigitalOcean with one account.
type service struct{ account *web.Account }

// open implements hosted.Open.
func (s *service) open(ctx context.Context, name delegation.Name) (hosted.Editor, error) {
	z := &zone{account: s.account, name: name}
	err := z.call(ctx, http.MethodGet, "", nil, nil, nil)
	if web.IsStatus(err, http.StatusNotFound) {
		return nil, &web.NoZoneError{Server: s.account.Server(), Zone: name, Err: err}
	}
	if err != nil {
		return nil, err
	}
	return &records.Editor{Service: z}, nil
}

// zone is one domain, a records.Service.
type zone struct {
	account *web.Account
	name    delegation.Name
}

func (z *zone) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
	return z.account.Call(ctx, web.Request{Method: method, Path: "domains/" + url.PathEscape(z.name.Bare()) + path, Query: query, Body: body}, into)
}

// record is a domain record as the API has it: its name is relative to the
// domain, or @.
type record struct {
	ID   int    `json:"id,omitempty"`
	Type string `json:"type"`
	Name string `json:"name"`
	Data string `json:"data"`
	TTL  int    `json:"ttl"`
}

const (
	pageSize  = 200  // as many as there can be
	pages     = 1000 // more are not read
	lowestTTL = 30   // seconds
	wide      = 4    // requests at a time
)

// List implements records.Service.
func (z *zone) List(ctx context.Context, owner delegation.Name) (entries []records.Entry, page int, err error) {
	query := url.Values{"type": {"TXT"}, "per_page": {strconv.Itoa(pageSize)}}
	if owner != "" {
		query.Set("name", owner.Bare())
	}
	for page = 1; page <= pages; page++ {
		query.Set("page", strconv.Itoa(page))
		var answer struct {
			Records []record `json:"domain_records"`
			Links   struct{ Pages struct{ Next string } }
		}
		if err := z.call(ctx, http.MethodGet, "/records", query, nil, &answer); err != nil {
			return nil, page, err
		}
		for _, r := range answer.Records {
			if r.Type == "TXT" {
				entries = append(entries, records.Entry{ID: strconv.Itoa(r.ID), Owner: z.name.Below(r.Name), Value: r.Data})
			}
		}
		if answer.Links.Pages.Next == "" {
			break
		}
	}
	return entries, page, nil
}

// Change implements records.Service.
func (z *zone) Change(ctx context.Context, add []dns01.Record, remove []records.Entry) error {
	return records.OneByOne(wide, add, remove,
		func(r dns01.Record) error { return z.create(ctx, r) },
		func(e records.Entry) error { return z.remove(ctx, e) })
}

func (z *zone) create(ctx context.Context, r dns01.Record) error {
	want := record{Type: "TXT", Name: r.Owner.Relative(z.name), Data: r.Value, TTL: max(int(r.TTL/time.Second), lowestTTL)}
	var answer struct {
		Record record `json:"domain_record"`
	}
	if err := z.call(ctx, http.MethodPost, "/records", nil, want, &answer); err != nil {
		return err
	}
	if answer.Record.Data != r.Value {
		return errors.Join(
			fmt.Errorf("%s has made another value of the one for %s", z.account.Server(), r.Owner),
			z.remove(ctx, records.Entry{ID: strconv.Itoa(answer.Record.ID)}))
	}
	return nil
}

func (z *zone) remove(ctx context.Context, e records.Entry) error {
	err := z.call(ctx, http.MethodDelete, "/records/"+e.ID, nil, nil, nil)
	if web.IsStatus(err, http.StatusNotFound) {
		return nil
	}
	return err
}
