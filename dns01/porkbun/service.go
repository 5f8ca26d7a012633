package porkbun

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/hosted"
	"certctl/dns01/records"
	"certctl/dns01/web"
)

// service is Porkbun with one account.
type service struct{ account *web.Account }

// sign implements web.Signer: the keys are in the body of every request.
func sign(r *web.Request, keys map[string]string) {
	body := map[string]string{"apikey": keys["api_key"], "secretapikey": keys["secret_api_key"]}
	if fields, ok := r.Body.(map[string]string); ok {
		for name, value := range fields {
			body[name] = value
		}
	}
	r.Body = body
}

// open implements hosted.Open.
func (s *service) open(_ context.Context, name delegation.Name) (hosted.Editor, error) {
	return &records.Editor{Service: &zone{s.account, name}}, nil
}

// zone is one domain, a records.Service.
type zone struct {
	account *web.Account
	name    delegation.Name
}

// call sends a command. All are POST requests; what begins with retrieve changes
// nothing. An answer that does not report success is none of Porkbun's API: a
// service before it that lets nobody through answers with a status of 202.
func (z *zone) call(ctx context.Context, command, rest string, fields map[string]string) ([]entry, error) {
	var answer struct {
		Status  string
		Records []entry
	}
	err := z.account.Call(ctx, web.Request{
		Method: http.MethodPost, Path: "dns/" + command + "/" + url.PathEscape(z.name.Bare()) + rest,
		Body: fields, Asks: strings.HasPrefix(command, "retrieve"),
	}, &answer)
	if err == nil && answer.Status != "SUCCESS" {
		err = &web.FormError{Server: z.account.Server()}
	}
	return answer.Records, err
}

// entry is a record as the API has it.
type entry struct{ ID, Name, Type, Content string }

// lowestTTL is in seconds. Requests are sent one at a time: Porkbun allows few.
const (
	lowestTTL = 600
	wide      = 1
)

// List implements records.Service.
func (z *zone) List(ctx context.Context, owner delegation.Name) ([]records.Entry, int, error) {
	command, rest := "retrieve", ""
	if owner != "" {
		command, rest = "retrieveByNameType", "/TXT"
		if label := owner.Relative(z.name); label != "@" {
			rest += "/" + url.PathEscape(label)
		}
	}
	found, err := z.call(ctx, command, rest, nil)
	if err != nil {
		return nil, 0, z.explain(err)
	}
	var entries []records.Entry
	for _, r := range found {
		name, err := delegation.ParseName(r.Name)
		if err == nil && r.Type == "TXT" {
			entries = append(entries, records.Entry{ID: r.ID, Owner: name, Value: r.Content})
		}
	}
	return entries, 1, nil
}

// explain says what Porkbun means by the errors of a listing, which all have the
// same status.
func (z *zone) explain(err error) error {
	status, ok := errors.AsType[*web.StatusError](err)
	if !ok || status.Status != http.StatusBadRequest {
		return err
	}
	said := strings.ToLower(status.Body)
	if strings.Contains(said, "opted in") || strings.Contains(said, "invalid domain") {
		return &AccessError{Server: z.account.Server(), Zone: z.name, err: err}
	}
	return err
}

// Change implements records.Service.
func (z *zone) Change(ctx context.Context, add []dns01.Record, remove []records.Entry) error {
	return records.OneByOne(wide, add, remove,
		func(r dns01.Record) error { return z.create(ctx, r) },
		func(e records.Entry) error { return z.remove(ctx, e) })
}

func (z *zone) create(ctx context.Context, r dns01.Record) error {
	_, err := z.call(ctx, "create", "", map[string]string{
		"type": "TXT", "name": strings.TrimPrefix(r.Owner.Relative(z.name), "@"), "content": r.Value,
		"ttl": strconv.Itoa(max(int(r.TTL/time.Second), lowestTTL)),
	})
	return err
}

// remove removes a record. The answer for one that is gone is that of any wrong
// request, so it is looked for again.
func (z *zone) remove(ctx context.Context, e records.Entry) error {
	_, err := z.call(ctx, "delete", "/"+e.ID, nil)
	if web.IsStatus(err, http.StatusBadRequest) {
		entries, _, again := z.List(ctx, e.Owner)
		for _, there := range entries {
			if there.ID == e.ID {
				return err
			}
		}
		return again
	}
	return err
}

// AccessError says that the keys may not touch a domain.
type AccessError struct {
	Server string
	Zone   delegation.Name
	err    error
}

func (e *AccessError) Error() string {
	return fmt.Sprintf("%s does not give these keys the domain %s: %v", e.Server, e.Zone.Bare(), e.err)
}

func (e *AccessError) Unwrap() error { return e.err }

// Hint says what to switch on.
func (e *AccessError) Hint() string {
	return fmt.Sprintf("switch API Access on for %s in the account that the keys are from (Domain Management, Details)", e.Zone.Bare())
}
