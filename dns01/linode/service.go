package linode

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
	"certctl/dns01/web"
)

// service is Linode with one account.
type service struct {
	account *web.Account
	zoneID  int // 0: looked up
}

// domain is a domain as the API has it.
type domain struct {
	ID     int
	Domain string
	Type   string // master or slave
}

// open implements hosted.Open.
func (s *service) open(ctx context.Context, name delegation.Name) (hosted.Editor, error) {
	d, err := s.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(d.Domain, name.Bare()) {
		return nil, fmt.Errorf("zone_id: %d is not the id of %s", d.ID, name.Bare())
	}
	if d.Type != "master" {
		return nil, &web.CopyError{Server: s.account.Server(), Zone: name}
	}
	return &records.Editor{Service: &zone{s.account, name, d.ID}}, nil
}

func (s *service) find(ctx context.Context, name delegation.Name) (domain, error) {
	if s.zoneID != 0 {
		var d domain
		err := s.account.Call(ctx, web.Request{Method: http.MethodGet, Path: fmt.Sprintf("domains/%d", s.zoneID)}, &d)
		if web.IsStatus(err, http.StatusNotFound) {
			err = &web.NoZoneError{Server: s.account.Server(), Zone: name, Err: err}
		}
		return d, err
	}
	filter, err := json.Marshal(map[string]string{"domain": name.Bare()})
	if err != nil {
		return domain{}, err
	}
	var answer struct{ Data []domain }
	r := web.Request{Method: http.MethodGet, Path: "domains", Header: http.Header{"X-Filter": {string(filter)}}}
	if err := s.account.Call(ctx, r, &answer); err != nil {
		return domain{}, err
	}
	for _, d := range answer.Data {
		if strings.EqualFold(d.Domain, name.Bare()) {
			return d, nil
		}
	}
	return domain{}, &web.NoZoneError{Server: s.account.Server(), Zone: name}
}

// zone is one domain, a records.Service.
type zone struct {
	account *web.Account
	name    delegation.Name
	id      int
}

func (z *zone) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
	return z.account.Call(ctx, web.Request{Method: method, Path: fmt.Sprintf("domains/%d/records%s", z.id, path), Query: query, Body: body}, into)
}

// record is a domain record as the API has it: its name is relative to the
// domain, or empty.
type record struct {
	ID     int    `json:"id,omitempty"`
	Type   string `json:"type"`
	Name   string `json:"name"`
	Target string `json:"target"`
	TTL    int    `json:"ttl_sec"`
}

const (
	pageSize = 500  // as many as there can be
	pages    = 1000 // more are not read
	wide     = 4    // requests at a time
)

// List implements records.Service. All records of the domain are read: what they
// can be filtered by is not documented alike everywhere.
func (z *zone) List(ctx context.Context, _ delegation.Name) (entries []records.Entry, page int, err error) {
	query := url.Values{"page_size": {strconv.Itoa(pageSize)}}
	for page = 1; page <= pages; page++ {
		query.Set("page", strconv.Itoa(page))
		var answer struct {
			Data  []record
			Pages int
		}
		if err := z.call(ctx, http.MethodGet, "", query, nil, &answer); err != nil {
			return nil, page, err
		}
		for _, r := range answer.Data {
			if r.Type == "TXT" {
				entries = append(entries, records.Entry{ID: strconv.Itoa(r.ID), Owner: z.name.Below(r.Name), Value: r.Target})
			}
		}
		if page >= answer.Pages {
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
	want := record{Type: "TXT", Name: strings.TrimPrefix(r.Owner.Relative(z.name), "@"), Target: r.Value, TTL: seconds(r.TTL)}
	var got record
	if err := z.call(ctx, http.MethodPost, "", nil, want, &got); err != nil {
		return err
	}
	if got.Target != r.Value {
		return errors.Join(
			fmt.Errorf("%s has made another value of the one for %s", z.account.Server(), r.Owner),
			z.remove(ctx, records.Entry{ID: strconv.Itoa(got.ID)}))
	}
	return nil
}

func (z *zone) remove(ctx context.Context, e records.Entry) error {
	err := z.call(ctx, http.MethodDelete, "/"+e.ID, nil, nil, nil)
	if web.IsStatus(err, http.StatusNotFound) {
		return nil
	}
	return err
}

// seconds returns the TTL that is nearest from above among those that there are.
func seconds(ttl time.Duration) int {
	steps := []int{300, 3600, 7200, 14400, 28800, 57600, 86400, 172800, 345600, 604800, 1209600, 2419200}
	i, _ := slices.BinarySearch(steps, int(ttl/time.Second))
	return steps[min(i, len(steps)-1)]
}
