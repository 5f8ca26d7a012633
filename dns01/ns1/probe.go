package ns1

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/absent"
	"certctl/dns01/hosted"
	"certctl/dns01/reach"
	"certctl/dns01/web"
)

// Ping implements dns01.Pinger: it reads the records at the owners, as a key may
// be for some of them only. That they can be read does not say that they can be
// written: NS1 says that only of what is written.
func (p *provider) Ping(ctx context.Context, apex delegation.Name, owners []delegation.Name) error {
	z := &zone{p.account, apex}
	return hosted.Each(ctx, owners, func(ctx context.Context, owner delegation.Name) error {
		_, err := z.Read(ctx, owner)
		return err
	})
}

// places are what NS1 has permissions of an account for: manage_users,
// manage_account_settings, view_activity_log and, for monitoring, view_jobs.
var places = []reach.Place{
	{Reach: dns01.Account, Question: "users of the account", Path: "account/users"},
	{Reach: dns01.Account, Question: "settings of the account", Path: "account/settings"},
	{Reach: dns01.Account, Question: "monitoring jobs", Path: "monitoring/jobs"},
}

// ProbeScope implements dns01.ScopeProber: it asks for the removal of records
// with names that nobody has, for the list of zones, and for what is no DNS.
func (p *provider) ProbeScope(ctx context.Context, apex, owner delegation.Name) (dns01.Breadth, error) {
	b := dns01.Breadth{Server: p.account.Server(), Unseen: "whether the owners may be written, the zone's apex, and other types at the owners: what could change a record there is not sent"}
	z := &zone{p.account, apex}
	records := slices.DeleteFunc(absent.Records(apex, owner), func(r absent.Record) bool {
		return r.Reach == dns01.TheApex || r.Reach == dns01.OtherTypes
	})
	for _, ask := range []func() ([]dns01.Trial, error){
		func() ([]dns01.Trial, error) { return absent.Try(ctx, records, z.remove) },
		func() ([]dns01.Trial, error) { return z.elsewhere(ctx) },
		func() ([]dns01.Trial, error) { return reach.Look(ctx, p.get, places...) },
	} {
		more, err := ask()
		if b.Trials = append(b.Trials, more...); err != nil {
			return b, err
		}
	}
	return b, nil
}

func (p *provider) get(ctx context.Context, path string) error {
	return p.account.Call(ctx, web.Request{Method: http.MethodGet, Path: path}, nil)
}

// elsewhere tries another zone, if the key sees one.
func (z *zone) elsewhere(ctx context.Context) ([]dns01.Trial, error) {
	const question = "list of zones"
	var list []struct{ Zone string }
	err := z.account.Call(ctx, web.Request{Method: http.MethodGet, Path: "zones"}, &list)
	if reach.Denied(err) {
		return []dns01.Trial{{Reach: dns01.OtherZones, Question: question, Refused: true, Answer: "403 Forbidden"}}, nil
	}
	var names []string
	for _, other := range list {
		names = append(names, other.Zone)
	}
	others := reach.Others(z.name, names)
	if err != nil || len(others) == 0 {
		return []dns01.Trial{reach.Zones(question, z.name, names)}, err
	}
	return absent.Try(ctx, []absent.Record{absent.In(others[0])}, (&zone{z.account, others[0]}).remove)
}

// remove asks for the removal of a record that is not there.
func (z *zone) remove(ctx context.Context, r absent.Record) (absent.Verdict, string, error) {
	err := z.call(ctx, http.MethodDelete, r.Owner, nil, nil)
	status, ok := errors.AsType[*web.StatusError](err)
	switch {
	case gone(err):
		return absent.Accepted, "record not found", nil
	case reach.Denied(err):
		return absent.Refused, fmt.Sprint(status.Status), nil
	case ok:
		return absent.Unclear, fmt.Sprint(status.Status), nil
	}
	return absent.Unclear, "", err
}
