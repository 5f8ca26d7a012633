package desec

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/dns01/hosted"
	"certctl/dns01/rrset"
	"certctl/dns01/txt"
	"certctl/dns01/web"
)

// service is deSEC with one account.
type service struct{ account *web.Account }

// most is how many records are written in one request.
const most = 500

// open implements hosted.Open.
func (s *service) open(ctx context.Context, name delegation.Name) (hosted.Editor, error) {
	var domain struct {
		LowestTTL int `json:"minimum_ttl"`
	}
	r := web.Request{Method: http.MethodGet, Path: "domains/" + url.PathEscape(name.Bare()) + "/"}
	err := s.account.Call(ctx, r, &domain)
	if web.IsStatus(err, http.StatusNotFound) {
		return nil, &web.NoZoneError{Server: s.account.Server(), Zone: name, Err: err}
	}
	if err != nil {
		return nil, err
	}
	z := &zone{s.account, name, domain.LowestTTL}
	return &rrset.Editor{Service: z, Quote: txt.Quote, Unquote: txt.Unquote, Blind: true, Most: most}, nil
}

// zone is one domain, an rrset.Service.
type zone struct {
	account   *web.Account
	name      delegation.Name
	lowestTTL int // seconds
}

func (z *zone) request(method string, query url.Values, body any) web.Request {
	return web.Request{Method: method, Path: "domains/" + url.PathEscape(z.name.Bare()) + "/rrsets/", Query: query, Body: body}
}

// set is a record set as the API has it: subname is empty for the apex.
type set struct {
	Subname string   `json:"subname"`
	Type    string   `json:"type"`
	TTL     int      `json:"ttl"`
	Records []string `json:"records"`
}

func (z *zone) read(s set) rrset.Set {
	return rrset.Set{Owner: z.name.Below(s.Subname), TTL: time.Duration(s.TTL) * time.Second, Data: s.Records}
}

// Read implements rrset.Service.
func (z *zone) Read(ctx context.Context, owner delegation.Name) (rrset.Set, error) {
	sets, err := z.list(ctx, url.Values{"type": {"TXT"}, "subname": {z.subname(owner)}})
	for _, s := range sets {
		if s.Owner == owner {
			return s, err
		}
	}
	return rrset.Set{Owner: owner}, err
}

// ReadMany implements rrset.ManyReader.
func (z *zone) ReadMany(ctx context.Context, _ []delegation.Name) ([]rrset.Set, error) {
	return z.list(ctx, url.Values{"type": {"TXT"}, "cursor": {""}})
}

// list reads record sets.
func (z *zone) list(ctx context.Context, query url.Values) ([]rrset.Set, error) {
	found, err := web.Pages[set](ctx, z.account, z.request(http.MethodGet, query, nil))
	var all []rrset.Set
	for _, s := range found {
		all = append(all, z.read(s))
	}
	return all, err
}

// subname is the owner relative to the domain.
func (z *zone) subname(owner delegation.Name) string {
	return strings.TrimPrefix(owner.Relative(z.name), "@")
}

// Replace implements rrset.Service: the request is carried out as a whole, or
// not at all. A set without records is removed.
func (z *zone) Replace(ctx context.Context, changes []rrset.Change) error {
	sets := make([]set, len(changes))
	for i, c := range changes {
		ttl := max(int(c.New.TTL/time.Second), z.lowestTTL)
		sets[i] = set{Subname: z.subname(c.New.Owner), Type: "TXT", TTL: ttl, Records: append([]string{}, c.New.Data...)}
	}
	_, err := z.account.Send(ctx, z.request(http.MethodPatch, nil, sets))
	return err
}
