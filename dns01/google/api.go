package google

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/dns01/hosted"
	"certctl/dns01/rrset"
	"certctl/dns01/web"
)

// zone is a managed zone.
type zone struct {
	provider      *provider
	project, name string
	pending       hosted.Pending
}

// recordSet is a ResourceRecordSet.
type recordSet struct {
	Name    string          `json:"name"`
	Type    string          `json:"type"`
	TTL     int64           `json:"ttl"`
	Data    []string        `json:"rrdatas"`
	Routing json.RawMessage `json:"routingPolicy,omitempty"`
}

// change is a Change.
type change struct {
	ID        string      `json:"id,omitempty"`
	Status    string      `json:"status,omitempty"`
	Additions []recordSet `json:"additions,omitempty"`
	Deletions []recordSet `json:"deletions,omitempty"`
}

const done = "done"

// call sends a request about the project.
func (z *zone) call(ctx context.Context, method, path string, query url.Values, body, answer any) error {
	r := web.Request{Method: method, Path: "dns/v1/projects/" + url.PathEscape(z.project) + "/managedZones" + path, Query: query, Body: body, Busy: busy}
	_, err := z.provider.account.Call(ctx, r, answer)
	return newAPIError(err)
}

// Read implements rrset.Service.
func (z *zone) Read(ctx context.Context, owner delegation.Name) (rrset.Set, error) {
	set := rrset.Set{Owner: owner}
	var found struct {
		Sets []recordSet `json:"rrsets"`
	}
	query := url.Values{"name": {owner.String()}, "type": {"TXT"}}
	if err := z.call(ctx, http.MethodGet, "/"+z.name+"/rrsets", query, nil, &found); err != nil {
		return set, err
	}
	for _, s := range found.Sets {
		if s.Type != "TXT" || !strings.EqualFold(s.Name, owner.String()) {
			continue
		}
		if len(s.Routing) > 0 {
			return set, fmt.Errorf("the TXT records at %s have a routing policy: values cannot be added to them one by one", owner)
		}
		set.TTL, set.Data = time.Duration(s.TTL)*time.Second, s.Data
	}
	return set, nil
}

// Replace implements rrset.Service.
func (z *zone) Replace(ctx context.Context, changes []rrset.Change) error {
	var c change
	for _, s := range changes {
		if len(s.Old.Data) > 0 {
			c.Deletions = append(c.Deletions, newRecordSet(s.Old))
		}
		if len(s.New.Data) > 0 {
			c.Additions = append(c.Additions, newRecordSet(s.New))
		}
	}
	var made change
	err := z.call(ctx, http.MethodPost, "/"+z.name+"/changes", nil, c, &made)
	if e, ok := errors.AsType[*APIError](err); ok && e.outdated() {
		return fmt.Errorf("%w: %w", rrset.ErrChanged, err)
	}
	if err == nil && made.Status != done {
		z.pending.Add(made.ID)
	}
	return err
}

func newRecordSet(s rrset.Set) recordSet {
	return recordSet{Name: s.Owner.String(), Type: "TXT", TTL: int64(s.TTL / time.Second), Data: s.Data}
}

// managedZone is one of a list.
type managedZone struct {
	Name       string `json:"name"`
	DNSName    string `json:"dnsName"`
	Visibility string `json:"visibility"`
}

func (z *zone) list(ctx context.Context, query url.Values) ([]managedZone, error) {
	var all []managedZone
	for {
		var page struct {
			Zones []managedZone `json:"managedZones"`
			Next  string        `json:"nextPageToken"`
		}
		if err := z.call(ctx, http.MethodGet, "", query, nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Zones...)
		if page.Next == "" {
			return all, nil
		}
		query.Set("pageToken", page.Next)
	}
}

// lookUp returns the name of the public managed zone with a DNS name.
func (z *zone) lookUp(ctx context.Context, name delegation.Name) (string, error) {
	found, err := z.list(ctx, url.Values{"dnsName": {name.String()}})
	if err != nil {
		return "", fmt.Errorf("looking for the managed zone %s: %w", name.Bare(), err)
	}
	var public, private []string
	for _, m := range found {
		switch {
		case !strings.EqualFold(m.DNSName, name.String()):
		case m.Visibility == "private":
			private = append(private, m.Name)
		default:
			public = append(public, m.Name)
		}
	}
	if len(public) == 1 {
		return public[0], nil
	}
	slices.Sort(public)
	return "", &ZoneError{Project: z.project, Zone: name, Public: public, Private: private}
}

// getChange reports whether all name servers have a change.
func (z *zone) getChange(ctx context.Context, id string) (bool, error) {
	var c change
	err := z.call(ctx, http.MethodGet, "/"+z.name+"/changes/"+url.PathEscape(id), nil, nil, &c)
	return c.Status == done, err
}
