package ns1

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"certctl/delegation"
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
