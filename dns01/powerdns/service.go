package powerdns

import (
	"context"
	"fmt"
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

// service is a server.
type service struct {
	account *web.Account
	id      string
}

// most is how many records are written in one request.
const most = 1000

// open implements hosted.Open.
func (s *service) open(ctx context.Context, name delegation.Name) (hosted.Editor, error) {
	z := &zone{service: s, name: name}
	var answer struct{ Kind string }
	err := s.account.Call(ctx, z.request(http.MethodGet, "", url.Values{"rrsets": {"false"}}, nil), &answer)
	switch {
	case web.IsStatus(err, http.StatusNotFound), web.IsStatus(err, http.StatusUnprocessableEntity):
		return nil, &web.NoZoneError{Server: s.account.Server(), Zone: name, Err: err}
	case err != nil:
		return nil, err
	}
	switch strings.ToLower(answer.Kind) {
	case "slave", "secondary", "consumer":
		return nil, &web.CopyError{Server: s.account.Server(), Zone: name}
	case "master", "primary", "producer":
		z.notifies = true
	}
	old := &rrset.Editor{Service: z, Quote: txt.Quote, Unquote: txt.Unquote, Blind: true, Most: most}
	return &editor{zone: z, old: old}, nil
}

// zone is one zone; of older servers it is an rrset.Service.
type zone struct {
	*service
	name     delegation.Name
	notifies bool // it has secondaries that can be told of a change
	broken   int  // requests in a row that the server failed at
}

func (z *zone) request(method, path string, query url.Values, body any) web.Request {
	return web.Request{Method: method, Path: "api/v1/servers/" + z.id + "/zones/" + id(z.name) + path, Query: query, Body: body}
}

// id is a zone's name in the API. There is a = in place of the percent sign of
// other URLs.
func id(zone delegation.Name) string {
	return strings.ReplaceAll(url.PathEscape(zone.String()), "%", "=")
}

// set is a record set as the API has it.
type set struct {
	Name    string   `json:"name"`
	Type    string   `json:"type"`
	TTL     int      `json:"ttl"`
	Change  string   `json:"changetype,omitempty"`
	Records []record `json:"records"`
}

type record struct {
	Content  string `json:"content"`
	Disabled bool   `json:"disabled"`
}

// disabled is how a record that is not served is kept among others, so as not to
// be lost: nothing that is quoted begins like this.
const disabled = "disabled "

func (s set) read() rrset.Set {
	have := rrset.Set{TTL: time.Duration(s.TTL) * time.Second}
	have.Owner, _ = delegation.ParseName(s.Name)
	for _, r := range s.Records {
		if r.Disabled {
			r.Content = disabled + r.Content
		}
		have.Data = append(have.Data, r.Content)
	}
	return have
}

func replacement(s rrset.Set) set {
	all := set{Name: s.Owner.String(), Type: "TXT", TTL: seconds(s.TTL), Change: "REPLACE", Records: []record{}}
	for _, data := range s.Data {
		content, off := strings.CutPrefix(data, disabled)
		all.Records = append(all.Records, record{content, off})
	}
	return all
}

func seconds(ttl time.Duration) int { return max(int(ttl/time.Second), 1) }

// Read implements rrset.Service.
func (z *zone) Read(ctx context.Context, owner delegation.Name) (rrset.Set, error) {
	sets, err := z.read(ctx, url.Values{"rrset_name": {owner.String()}, "rrset_type": {"TXT"}})
	for _, s := range sets {
		if s.Owner == owner {
			return s, err
		}
	}
	return rrset.Set{Owner: owner}, err
}

// ReadMany implements rrset.ManyReader.
func (z *zone) ReadMany(ctx context.Context, _ []delegation.Name) ([]rrset.Set, error) {
	return z.read(ctx, nil)
}

func (z *zone) read(ctx context.Context, query url.Values) ([]rrset.Set, error) {
	all, err := z.list(ctx, query)
	var sets []rrset.Set
	for _, s := range all {
		if s.Type == "TXT" {
			sets = append(sets, s.read())
		}
	}
	return sets, err
}

func (z *zone) list(ctx context.Context, query url.Values) ([]set, error) {
	var answer struct{ RRsets []set }
	err := z.account.Call(ctx, z.request(http.MethodGet, "", query, nil), &answer)
	return answer.RRsets, err
}

// at returns the record sets of every type at these owners, and maybe more.
func (z *zone) at(ctx context.Context, owners []delegation.Name) ([]set, error) {
	if len(owners) == 1 {
		return z.list(ctx, url.Values{"rrset_name": {owners[0].String()}})
	}
	return z.list(ctx, nil)
}

// mostBroken is how often in a row the server may fail. One with an SQLite
// database does while somebody else writes.
const mostBroken = 15

// Replace implements rrset.Service. A set without records is removed.
func (z *zone) Replace(ctx context.Context, changes []rrset.Change) error {
	var sets []set
	for _, c := range changes {
		sets = append(sets, replacement(c.New))
	}
	err := z.patch(ctx, sets, false)
	if z.broken++; !failed(err) {
		z.broken = 0
	}
	if 0 < z.broken && z.broken < mostBroken {
		return fmt.Errorf("%w: %w", rrset.ErrChanged, err)
	}
	return err
}

func failed(err error) bool { return web.IsStatus(err, http.StatusInternalServerError) }

// patch changes record sets, all or none, and has the secondaries told. They find
// out by themselves too, only later. twice is as in web.Request.
func (z *zone) patch(ctx context.Context, sets []set, twice bool) error {
	r := z.request(http.MethodPatch, "", nil, map[string][]set{"rrsets": sets})
	r.Twice = twice
	answer, err := z.account.Send(ctx, r)
	if err == nil && answer.Status != http.StatusNoContent {
		err = &web.FormError{Server: z.account.Server()}
	}
	if err == nil && z.notifies {
		_ = z.account.Call(ctx, z.request(http.MethodPut, "/notify", nil, nil), nil)
	}
	return err
}
