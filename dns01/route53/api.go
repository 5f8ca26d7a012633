package route53

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/dns01/rrset"
	"certctl/dns01/web"
)

const (
	version   = "/2013-04-01/"
	namespace = "https://route53.amazonaws.com/doc/2013-04-01/"
)

// recordSet is a ResourceRecordSet.
type recordSet struct {
	Name          string   `xml:"Name"`
	Type          string   `xml:"Type"`
	SetIdentifier string   `xml:"SetIdentifier,omitempty"`
	TTL           int64    `xml:"TTL"`
	Values        []string `xml:"ResourceRecords>ResourceRecord>Value"`
}

type change struct {
	Action string    `xml:"Action"`
	Set    recordSet `xml:"ResourceRecordSet"`
}

type changeRequest struct {
	XMLName xml.Name `xml:"ChangeResourceRecordSetsRequest"`
	XMLNS   string   `xml:"xmlns,attr"`
	Changes []change `xml:"ChangeBatch>Changes>Change"`
}

type changeResponse struct {
	ID     string `xml:"ChangeInfo>Id"`
	Status string `xml:"ChangeInfo>Status"`
}

// call sends a request, signed, and reads the answer.
func (p *provider) call(ctx context.Context, method, path string, query url.Values, body, answer any) error {
	keys, err := p.keys.get(ctx)
	if err != nil {
		return err
	}
	r := web.Request{
		Method: method, Path: version + path, Query: query,
		Header:  http.Header{"Accept": {"text/xml"}},
		Secrets: keys.secrets(),
		Sign: func(r *http.Request, body []byte) error {
			sign(r, body, keys, p.config.Region, "route53", time.Now())
			return nil
		},
		Busy: busy,
	}
	if body != nil {
		text, err := xml.Marshal(body)
		if err != nil {
			return err
		}
		r.Body = append([]byte(xml.Header), text...)
		r.Header.Set("Content-Type", "text/xml")
	}
	said, err := p.client.Do(ctx, r)
	if err != nil {
		return newAPIError(err, p.config.ZoneID)
	}
	if err := xml.Unmarshal(said, answer); err != nil {
		return fmt.Errorf("%s did not answer as Route 53 does: is endpoint: that of its API?", p.client.Server())
	}
	return nil
}

// Read implements rrset.Service.
func (h *zone) Read(ctx context.Context, owner delegation.Name) (rrset.Set, error) {
	var found struct {
		Sets []recordSet `xml:"ResourceRecordSets>ResourceRecordSet"`
	}
	query := url.Values{"name": {owner.String()}, "type": {"TXT"}, "maxitems": {"1"}}
	set := rrset.Set{Owner: owner}
	if err := h.provider.call(ctx, http.MethodGet, "hostedzone/"+h.id+"/rrset", query, nil, &found); err != nil {
		return set, err
	}
	for _, s := range found.Sets {
		if s.Type != "TXT" || !strings.EqualFold(s.Name, owner.String()) {
			continue
		}
		if s.SetIdentifier != "" {
			return set, fmt.Errorf("the TXT records at %s have a routing policy (%s): values cannot be added to them one by one", owner, s.SetIdentifier)
		}
		set.TTL, set.Data = time.Duration(s.TTL)*time.Second, s.Values
	}
	return set, nil
}

// Replace implements rrset.Service.
func (h *zone) Replace(ctx context.Context, changes []rrset.Change) error {
	body := changeRequest{XMLNS: namespace}
	for _, c := range changes {
		if len(c.Old.Data) > 0 {
			body.Changes = append(body.Changes, change{"DELETE", newRecordSet(c.Old)})
		}
		if len(c.New.Data) > 0 {
			body.Changes = append(body.Changes, change{"CREATE", newRecordSet(c.New)})
		}
	}
	var done changeResponse
	err := h.provider.call(ctx, http.MethodPost, "hostedzone/"+h.id+"/rrset", nil, body, &done)
	if e, ok := errors.AsType[*APIError](err); ok && e.outdated() {
		return fmt.Errorf("%w: %w", rrset.ErrChanged, err)
	}
	if err == nil && done.Status != insync {
		h.pending.Add(strings.TrimPrefix(done.ID, "/change/"))
	}
	return err
}

func newRecordSet(s rrset.Set) recordSet {
	return recordSet{Name: s.Owner.String(), Type: "TXT", TTL: int64(s.TTL / time.Second), Values: s.Data}
}

const insync = "INSYNC"

// getChange reports whether all name servers have a change.
func (p *provider) getChange(ctx context.Context, id string) (bool, error) {
	var c changeResponse
	err := p.call(ctx, http.MethodGet, "change/"+url.PathEscape(id), nil, nil, &c)
	return c.Status == insync, err
}

// hostedZone is one of a list.
type hostedZone struct {
	ID      string `xml:"Id"`
	Name    string `xml:"Name"`
	Private bool   `xml:"Config>PrivateZone"`
}

func (z hostedZone) id() string { return strings.TrimPrefix(z.ID, "/hostedzone/") }

// lookUp returns the id of the public hosted zone with a name. The list begins
// there, and has all of that name in a row.
func (p *provider) lookUp(ctx context.Context, zone delegation.Name) (string, error) {
	var public, private []string
	query := url.Values{"dnsname": {zone.String()}}
	for {
		var page struct {
			Zones     []hostedZone `xml:"HostedZones>HostedZone"`
			Truncated bool         `xml:"IsTruncated"`
			NextName  string       `xml:"NextDNSName"`
			NextID    string       `xml:"NextHostedZoneId"`
		}
		if err := p.call(ctx, http.MethodGet, "hostedzonesbyname", query, nil, &page); err != nil {
			return "", fmt.Errorf("looking for the hosted zone %s: %w", zone.Bare(), err)
		}
		for _, z := range page.Zones {
			switch {
			case !strings.EqualFold(z.Name, zone.String()):
			case z.Private:
				private = append(private, z.id())
			default:
				public = append(public, z.id())
			}
		}
		if !page.Truncated || !strings.EqualFold(page.NextName, zone.String()) {
			return choose(zone, public, private)
		}
		query = url.Values{"dnsname": {page.NextName}, "hostedzoneid": {page.NextID}}
	}
}

func choose(zone delegation.Name, public, private []string) (string, error) {
	if len(public) == 1 {
		return public[0], nil
	}
	slices.Sort(public)
	return "", &ZoneError{Zone: zone, Public: public, Private: private}
}

// otherZone returns the id of a zone that is not this one; "" if the key sees
// none.
func (h *zone) otherZone(ctx context.Context) (hostedZone, error) {
	var page struct {
		Zones []hostedZone `xml:"HostedZones>HostedZone"`
	}
	query := url.Values{"maxitems": {strconv.Itoa(2)}}
	err := h.provider.call(ctx, http.MethodGet, "hostedzone", query, nil, &page)
	for _, z := range page.Zones {
		if z.id() != h.id {
			return z, nil
		}
	}
	return hostedZone{}, err
}

// checkValue refuses what Route 53 escapes in a way of its own: octal.
func checkValue(value string) error {
	for _, c := range []byte(value) {
		if c < ' ' || c > '~' {
			return errors.New("a value with characters beyond ASCII is not written to Route 53")
		}
	}
	return nil
}
