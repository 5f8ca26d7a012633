package azure

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strings"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/absent"
)

// Ping implements dns01.Pinger: it gets a token, and reads a record set. A role
// for single record sets need not be for this one.
func (p *provider) Ping(ctx context.Context, apex delegation.Name) error {
	_, err := (&zone{p, apex}).Read(ctx, p.scope)
	if forbidden(err) {
		return nil
	}
	return err
}

// ProbeScope implements dns01.ScopeProber. A role for the zone lets a key delete
// record sets that are not there, which Azure does not mind; without it that is
// forbidden. Only names that nobody has are tried: what deletes is not turned on
// a record set.
func (p *provider) ProbeScope(ctx context.Context, apex, owner delegation.Name) (dns01.Breadth, error) {
	b := dns01.Breadth{Server: p.account.Client.Server()}
	z := &zone{p, apex}
	records := slices.DeleteFunc(absent.Records(apex, owner), func(r absent.Record) bool {
		return r.Reach == dns01.TheApex || r.Reach == dns01.OtherTypes
	})
	records = append(records, absent.Record{Reach: dns01.OtherTypes, Owner: records[0].Owner, Type: "AAAA"})
	var err error
	if b.Trials, err = absent.Try(ctx, records, z.remove); err != nil {
		return b, err
	}
	for _, look := range []func(context.Context, *zone) ([]dns01.Trial, error){p.otherZones, p.subscription} {
		more, err := look(ctx, z)
		if err != nil {
			return b, err
		}
		b.Trials = append(b.Trials, more...)
	}
	return b, nil
}

// remove asks for the removal of a record set that is not there. No set has the
// tag.
func (z *zone) remove(ctx context.Context, r absent.Record) (absent.Verdict, string, error) {
	header := http.Header{"If-Match": {strings.ToLower(rand.Text())}}
	answer, err := z.provider.call(ctx, http.MethodDelete, z.set(r.Owner, r.Type), version, header, nil, nil)
	if err == nil {
		return absent.Accepted, http.StatusText(answer.Status), nil
	}
	e, ok := errors.AsType[*APIError](err)
	switch {
	case !ok:
		return absent.Unclear, "", err
	case forbidden(err):
		return absent.Refused, e.Code, nil
	case e.Code == "NotFound" || e.Code == "PreconditionFailed":
		return absent.Accepted, e.Code, nil
	}
	return absent.Unclear, e.Code, nil
}

func forbidden(err error) bool {
	e, ok := errors.AsType[*APIError](err)
	return ok && e.Status.Status == http.StatusForbidden
}

// otherZones tries another zone of the subscription, if the key sees one.
func (p *provider) otherZones(ctx context.Context, z *zone) ([]dns01.Trial, error) {
	var list struct {
		Value []struct{ ID, Name string }
	}
	_, err := p.call(ctx, http.MethodGet, p.group()+"/providers/Microsoft.Network/dnsZones", version, nil, nil, &list)
	if forbidden(err) {
		return nil, nil
	}
	for _, other := range list.Value {
		name, wrong := delegation.ParseName(other.Name)
		if wrong == nil && name != z.name {
			return absent.Try(ctx, []absent.Record{absent.In(name)}, (&zone{p, name}).remove)
		}
	}
	return nil, err
}

// subscription looks whether the key may do everything in the subscription.
func (p *provider) subscription(ctx context.Context, _ *zone) ([]dns01.Trial, error) {
	var list struct {
		Value []struct {
			Actions []string `json:"actions"`
		}
	}
	path := "/subscriptions/" + p.config.SubscriptionID
	_, err := p.call(ctx, http.MethodGet, path+"/providers/Microsoft.Authorization/permissions", "2022-04-01", nil, nil, &list)
	t := dns01.Trial{Reach: dns01.Account, Question: "permissions in the subscription", Refused: true, Answer: "none for everything"}
	if forbidden(err) {
		t.Answer, err = "AuthorizationFailed", nil
	}
	for _, v := range list.Value {
		if slices.Contains(v.Actions, "*") {
			t.Accepted, t.Refused, t.Answer = true, false, "*"
		}
	}
	return []dns01.Trial{t}, err
}
