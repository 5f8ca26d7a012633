package azure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/dns01/guard"
	"certctl/dns01/rrset"
	"certctl/dns01/web"
)

const version = "2018-05-01"

// zone is a DNS zone.
type zone struct {
	provider *provider
	name     delegation.Name
}

// recordSet is a RecordSet.
type recordSet struct {
	ETag       string     `json:"etag,omitempty"`
	Properties properties `json:"properties"`
}

type properties struct {
	TTL   int64  `json:"TTL"`
	Texts []text `json:"TXTRecords"`
}

type text struct {
	Strings json.RawMessage `json:"value"`
}

// quote writes a value as a list of strings (RFC 1035 §3.3).
func quote(value string) string {
	var strings []string
	for first := true; first || value != ""; first = false {
		n := min(len(value), 255)
		strings, value = append(strings, value[:n]), value[n:]
	}
	text, _ := json.Marshal(strings)
	return string(text)
}

func unquote(data string) (string, error) {
	var list []string
	err := json.Unmarshal([]byte(data), &list)
	return strings.Join(list, ""), err
}

// group is the path of the resource group.
func (p *provider) group() string {
	return "/subscriptions/" + p.config.SubscriptionID + "/resourceGroups/" + p.config.ResourceGroup
}

func (z *zone) path() string {
	return z.provider.group() + "/providers/Microsoft.Network/dnsZones/" + z.name.Bare()
}

// set is the path of a record set.
func (z *zone) set(owner delegation.Name, kind string) string {
	return z.path() + "/" + kind + "/" + url.PathEscape(owner.Relative(z.name))
}

// call sends a request.
func (p *provider) call(ctx context.Context, method, path, version string, header http.Header, body, answer any) (web.Answer, error) {
	said, err := p.account.Call(ctx, web.Request{Method: method, Path: path, Query: url.Values{"api-version": {version}}, Header: header, Body: body}, answer)
	return said, newAPIError(err)
}

// Read implements rrset.Service.
func (z *zone) Read(ctx context.Context, owner delegation.Name) (rrset.Set, error) {
	set := rrset.Set{Owner: owner}
	var found recordSet
	_, err := z.provider.call(ctx, http.MethodGet, z.set(owner, "TXT"), version, nil, nil, &found)
	if e, ok := errors.AsType[*APIError](err); ok && e.Code == "NotFound" {
		return set, nil
	}
	if err != nil {
		return set, err
	}
	set.TTL, set.Tag = time.Duration(found.Properties.TTL)*time.Second, found.ETag
	for _, t := range found.Properties.Texts {
		set.Data = append(set.Data, string(t.Strings))
	}
	return set, nil
}

// Replace implements rrset.Service. There is one change. A set that is there, if
// only without values, is patched, so that its metadata stays.
func (z *zone) Replace(ctx context.Context, changes []rrset.Change) error {
	c := &changes[0]
	method, header := http.MethodPut, http.Header{"If-None-Match": {"*"}}
	if c.Old.Tag != "" {
		method, header = http.MethodPatch, http.Header{"If-Match": {c.Old.Tag}}
	}
	path := z.set(c.New.Owner, "TXT")
	if len(c.New.Data) == 0 {
		c.New.Tag = ""
		_, err := z.provider.call(ctx, http.MethodDelete, path, version, header, nil, nil)
		return outdated(err)
	}
	body := recordSet{Properties: properties{TTL: int64(c.New.TTL / time.Second)}}
	for _, data := range c.New.Data {
		body.Properties.Texts = append(body.Properties.Texts, text{json.RawMessage(data)})
	}
	var made recordSet
	_, err := z.provider.call(ctx, method, path, version, header, body, &made)
	c.New.Tag = made.ETag
	return outdated(err)
}

// outdated reports a failed precondition as rrset.ErrChanged.
func outdated(err error) error {
	if e, ok := errors.AsType[*web.StatusError](err); ok && e.Status == http.StatusPreconditionFailed {
		return fmt.Errorf("%w: %w", rrset.ErrChanged, err)
	}
	return err
}

// APIError is an answer of Azure that says no.
type APIError struct {
	Code    string // as Azure has it: AuthorizationFailed, NotFound, …
	Message string
	Status  *web.StatusError
	err     error
}

// newAPIError reads an error; those that are no answers of Azure stay as they
// are.
func newAPIError(err error) error {
	status, ok := errors.AsType[*web.StatusError](err)
	if !ok {
		return err
	}
	var answer struct {
		Error         struct{ Code, Message string }
		Code, Message string // as Azure DNS itself has it
	}
	if json.Unmarshal([]byte(status.Body), &answer) != nil {
		return err
	}
	if answer.Error.Code == "" {
		answer.Error.Code, answer.Error.Message = answer.Code, answer.Message
	}
	if answer.Error.Code == "" {
		return err
	}
	return &APIError{Code: answer.Error.Code, Message: answer.Error.Message, Status: status, err: err}
}

func (e *APIError) Error() string {
	return fmt.Sprintf("%s answered %d %s: %s", e.Status.Server, e.Status.Status, e.Code, guard.Quote(e.Message))
}

func (e *APIError) Unwrap() error { return e.err }

// Hint says what may mend it.
func (e *APIError) Hint() string {
	switch e.Code {
	case "AuthorizationFailed":
		return "certctl policy print -d NAME prints the role that the key needs; a new assignment takes some minutes"
	case "ParentResourceNotFound", "ResourceNotFound", "ResourceGroupNotFound":
		return "compare resource_group: and subscription_id: with where the zone is"
	case "SubscriptionNotFound", "InvalidSubscriptionId":
		return "compare subscription_id: with the subscription's id"
	case "ExpiredAuthenticationToken", "InvalidAuthenticationToken", "InvalidAuthenticationTokenTenant":
		return "compare tenant_id: with the directory of the subscription, and set this host's clock"
	}
	return e.Status.Hint()
}
