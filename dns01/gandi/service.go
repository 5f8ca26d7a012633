package gandi

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"certctl/delegation"
	"certctl/dns01/hosted"
	"certctl/dns01/rrset"
	"certctl/dns01/txt"
	"certctl/dns01/web"
)

// service is LiveDNS with one account.
type service struct{ account *web.Account }

const (
	pageSize  = 100
	most      = 1000 // records that are written before they are looked for
	wide      = 4    // requests at a time
	lowestTTL = 300  // seconds
)

// open implements hosted.Open.
func (s *service) open(ctx context.Context, name delegation.Name) (hosted.Editor, error) {
	z := &zone{s.account, name}
	_, err := s.account.Send(ctx, z.request(http.MethodGet, "", nil, nil))
	if web.IsStatus(err, http.StatusNotFound) {
		return nil, &web.NoZoneError{Server: s.account.Server(), Zone: name, Err: err}
	}
	if err != nil {
		return nil, err
	}
	return &rrset.Editor{Service: z, Quote: txt.Quote, Unquote: txt.Unquote, Blind: true, Most: most}, nil
}

// zone is one domain, an rrset.Service.
type zone struct {
	account *web.Account
	name    delegation.Name
}

func (z *zone) request(method, path string, query url.Values, body any) web.Request {
	return web.Request{Method: method, Path: "domains/" + url.PathEscape(z.name.Bare()) + path, Query: query, Body: body}
}

// path is where a record set is: its name is relative to the domain, or @.
func (z *zone) path(owner delegation.Name) string {
	return "/records/" + url.PathEscape(owner.Relative(z.name)) + "/TXT"
}

// set is a record set as the API has it.
type set struct {
	Name   string   `json:"rrset_name,omitempty"`
	Type   string   `json:"rrset_type,omitempty"`
	TTL    int      `json:"rrset_ttl"`
	Values []string `json:"rrset_values"`
}

// Read implements rrset.Service.
func (z *zone) Read(ctx context.Context, owner delegation.Name) (rrset.Set, error) {
	var s set
	err := z.account.Call(ctx, z.request(http.MethodGet, z.path(owner), nil, nil), &s)
	if web.IsStatus(err, http.StatusNotFound) {
		return rrset.Set{Owner: owner}, nil
	}
	return rrset.Set{Owner: owner, TTL: time.Duration(s.TTL) * time.Second, Data: s.Values}, err
}

// ReadMany implements rrset.ManyReader.
func (z *zone) ReadMany(ctx context.Context, _ []delegation.Name) ([]rrset.Set, error) {
	query := url.Values{"rrset_type": {"TXT"}, "per_page": {strconv.Itoa(pageSize)}}
	found, err := web.Pages[set](ctx, z.account, z.request(http.MethodGet, "/records", query, nil))
	var all []rrset.Set
	for _, s := range found {
		if s.Type == "TXT" {
			all = append(all, rrset.Set{Owner: z.name.Below(s.Name), TTL: time.Duration(s.TTL) * time.Second, Data: s.Values})
		}
	}
	return all, err
}

// Replace implements rrset.Service. Where it fails some sets may be written, and
// others not: rrset.Editor looks at all of them again.
func (z *zone) Replace(ctx context.Context, changes []rrset.Change) error {
	var g errgroup.Group
	g.SetLimit(wide)
	for _, c := range changes {
		g.Go(func() error { return z.put(ctx, c.New) })
	}
	return g.Wait()
}

func (z *zone) put(ctx context.Context, s rrset.Set) error {
	if len(s.Data) > 0 {
		body := set{TTL: max(int(s.TTL/time.Second), lowestTTL), Values: s.Data}
		_, err := z.account.Send(ctx, z.request(http.MethodPut, z.path(s.Owner), nil, body))
		return err
	}
	_, err := z.account.Send(ctx, z.request(http.MethodDelete, z.path(s.Owner), nil, nil))
	if web.IsStatus(err, http.StatusNotFound) {
		return nil
	}
	return err
}
