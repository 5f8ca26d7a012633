package ns1

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/absent"
	"certctl/dns01/hosted"
	"certctl/dns01/rrset"
	"certctl/dns01/web"
)

// open implements hosted.Open. A zone is known by its name. There is one request
// a record.
func (p *provider) open(_ context.Context, name delegation.Name) (hosted.Editor, error) {
	return &rrset.Editor{Service: &zone{p.account, name}, Quote: quote, Unquote: unquote, Blind: true, Most: 1, Wide: 4}, nil
}

// zone is one zone.
type zone struct {
	account *web.Account
	name    delegation.Name
}

// record is a record as the API has it: all answers of a name and type. What is
// not named here stays when it is updated.
type record struct {
	Zone    string            `json:"zone,omitempty"`
	Domain  string            `json:"domain,omitempty"`
	Type    string            `json:"type,omitempty"`
	TTL     int64             `json:"ttl,omitempty"`
	Answers []json.RawMessage `json:"answers"`
}

// answer is one of them. Others of its fields are kept as they are.
type answer struct {
	Strings []string `json:"answer"`
}

func quote(value string) string {
	text, _ := json.Marshal(answer{[]string{value}})
	return string(text)
}

func unquote(data string) (string, error) {
	var a answer
	err := json.Unmarshal([]byte(data), &a)
	return strings.Join(a.Strings, ""), err
}

func (z *zone) call(ctx context.Context, method string, owner delegation.Name, body, into any) error {
	path := "zones/" + z.name.Bare() + "/" + owner.Bare() + "/TXT"
	err := z.account.Call(ctx, web.Request{Method: method, Path: path, Body: body}, into)
	if status, ok := errors.AsType[*web.StatusError](err); ok && status.Status == http.StatusNotFound && strings.Contains(status.Body, "zone not found") {
		return &web.NoZoneError{Server: z.account.Server(), Zone: z.name, Err: err}
	}
	return err
}

// gone reports whether an error says that there is no such record.
func gone(err error) bool {
	status, ok := errors.AsType[*web.StatusError](err)
	return ok && status.Status == http.StatusNotFound && strings.Contains(status.Body, "record not found")
}

// Read implements rrset.Service.
func (z *zone) Read(ctx context.Context, owner delegation.Name) (rrset.Set, error) {
	set := rrset.Set{Owner: owner}
	var r record
	switch err := z.call(ctx, http.MethodGet, owner, nil, &r); {
	case gone(err):
		return set, nil
	case err != nil:
		return set, err
	}
	set.TTL = time.Duration(r.TTL) * time.Second
	for _, a := range r.Answers {
		set.Data = append(set.Data, string(a))
	}
	return set, nil
}

// Replace implements rrset.Service. There is one change.
func (z *zone) Replace(ctx context.Context, changes []rrset.Change) error {
	c := changes[0]
	if len(c.New.Data) == 0 {
		err := z.call(ctx, http.MethodDelete, c.New.Owner, nil, nil)
		if gone(err) {
			return nil
		}
		return err
	}
	body := record{}
	for _, data := range c.New.Data {
		body.Answers = append(body.Answers, json.RawMessage(data))
	}
	method := http.MethodPost // which updates
	if len(c.Old.Data) == 0 {
		method = http.MethodPut // which creates
		body.Zone, body.Domain, body.Type = z.name.Bare(), c.New.Owner.Bare(), "TXT"
		body.TTL = int64(c.New.TTL / time.Second)
	}
	err := z.call(ctx, method, c.New.Owner, body, nil)
	status, ok := errors.AsType[*web.StatusError](err)
	if gone(err) || ok && status.Status == http.StatusBadRequest && strings.Contains(status.Body, "already exists") {
		return fmt.Errorf("%w: %w", rrset.ErrChanged, err)
	}
	return err
}

// Ping implements dns01.Pinger: it reads a record. A key for other records is
// good too.
func (p *provider) Ping(ctx context.Context, apex delegation.Name) error {
	_, err := (&zone{p.account, apex}).Read(ctx, p.scope)
	if status, ok := errors.AsType[*web.StatusError](err); ok && status.Status == http.StatusForbidden {
		return nil
	}
	return err
}

// ProbeScope implements dns01.ScopeProber: it asks for the removal of records
// with names that nobody has, and for the list of zones.
func (p *provider) ProbeScope(ctx context.Context, apex, owner delegation.Name) (dns01.Breadth, error) {
	b := dns01.Breadth{Server: p.account.Server()}
	z := &zone{p.account, apex}
	records := slices.DeleteFunc(absent.Records(apex, owner), func(r absent.Record) bool {
		return r.Reach == dns01.TheApex || r.Reach == dns01.OtherTypes
	})
	var err error
	if b.Trials, err = absent.Try(ctx, records, z.remove); err != nil {
		return b, err
	}
	var list []struct{ Zone string }
	err = p.account.Call(ctx, web.Request{Method: http.MethodGet, Path: "zones"}, &list)
	t := dns01.Trial{Reach: dns01.OtherZones, Question: "list of zones", Refused: true, Answer: "no other"}
	if status, ok := errors.AsType[*web.StatusError](err); ok && status.Status == http.StatusForbidden {
		t.Answer, err = "403", nil
	}
	for _, other := range list {
		if name, wrong := delegation.ParseName(other.Zone); wrong == nil && name != apex {
			more, err := absent.Try(ctx, []absent.Record{absent.In(name)}, (&zone{p.account, name}).remove)
			b.Trials = append(b.Trials, more...)
			return b, err
		}
	}
	b.Trials = append(b.Trials, t)
	return b, err
}

// remove asks for the removal of a record that is not there.
func (z *zone) remove(ctx context.Context, r absent.Record) (absent.Verdict, string, error) {
	err := z.call(ctx, http.MethodDelete, r.Owner, nil, nil)
	status, ok := errors.AsType[*web.StatusError](err)
	switch {
	case gone(err):
		return absent.Accepted, "record not found", nil
	case ok && (status.Status == http.StatusForbidden || status.Status == http.StatusUnauthorized):
		return absent.Refused, fmt.Sprint(status.Status), nil
	case ok:
		return absent.Unclear, fmt.Sprint(status.Status), nil
	}
	return absent.Unclear, "", err
}
