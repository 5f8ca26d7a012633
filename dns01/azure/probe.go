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
	"certctl/dns01/hosted"
	"certctl/dns01/reach"
)

// Ping implements dns01.Pinger: it gets a token, and reads the record sets of the
// owners, as a role may be for some of them only. That they can be read does not
// say that they can be written.
func (p *provider) Ping(ctx context.Context, apex delegation.Name, owners []delegation.Name) error {
	z := &zone{p, apex}
	return hosted.Each(ctx, owners, func(ctx context.Context, owner delegation.Name) error {
		_, err := z.Read(ctx, owner)
		return err
	})
}

// ProbeScope implements dns01.ScopeProber. A role for the zone lets a key delete
// record sets that are not there, which Azure does not mind; without it that is
// forbidden. Only names that nobody has are tried: what deletes is not turned on
// a record set.
func (p *provider) ProbeScope(ctx context.Context, apex, owner delegation.Name) (dns01.Breadth, error) {
	b := dns01.Breadth{Server: p.account.Client.Server(), Unseen: "whether the owners may be written, and the zone's apex: what could change a record set there is not sent"}
	z := &zone{p, apex}
	records := slices.DeleteFunc(absent.Records(apex, owner), func(r absent.Record) bool {
		return r.Reach == dns01.TheApex || r.Reach == dns01.OtherTypes
	})
	records = append(records, absent.Record{Reach: dns01.OtherTypes, Owner: records[0].Owner, Type: "AAAA"})
	var err error
	if b.Trials, err = absent.Try(ctx, records, z.remove); err != nil {
		return b, err
	}
	for _, look := range []func(context.Context, *zone) ([]dns01.Trial, error){p.otherZones, p.rest} {
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

// rest looks at what the key may do beside DNS. Who has no right to see that has
// no role with everything.
func (p *provider) rest(ctx context.Context, _ *zone) ([]dns01.Trial, error) {
	var trials []dns01.Trial
	for _, at := range []struct{ question, path string }{
		{"permissions in the subscription", "/subscriptions/" + p.config.SubscriptionID},
		{"permissions in the resource group", p.group()},
	} {
		var list struct {
			Value []struct {
				Actions []string `json:"actions"`
			}
		}
		_, err := p.call(ctx, http.MethodGet, at.path+"/providers/Microsoft.Authorization/permissions", "2022-04-01", nil, nil, &list)
		if err != nil && !forbidden(err) {
			return trials, err
		}
		var excess []string
		for _, v := range list.Value {
			excess = append(excess, slices.DeleteFunc(v.Actions, aboutZones)...)
		}
		trials = append(trials, reach.Found(dns01.Account, at.question, strings.Join(excess, ", ")))
	}
	return trials, nil
}

// aboutZones reports whether an action is for DNS zones only. Whether it is for
// more of them than needed was asked before.
func aboutZones(action string) bool {
	return strings.HasPrefix(strings.ToLower(action), "microsoft.network/dnszones/")
}
