package desec

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/absent"
	"certctl/dns01/reach"
	"certctl/dns01/rrset"
	"certctl/dns01/web"
)

// ProbeScope implements dns01.ScopeProber: it writes, in bulk, record sets
// without records at names that nobody has. A token's policies are looked at
// first; for who may write, there is nothing to be done: "unknown" and "empty" is
// a no-op (RRsetListSerializer and PermissionValidator of desec-stack). At names that are there nothing is sent: an empty
// set would remove what is.
func (p *provider) ProbeScope(ctx context.Context, apex, owner delegation.Name) (dns01.Breadth, error) {
	b := dns01.Breadth{Server: p.account.Server(), Unseen: "the zone's apex, and whether the token may create or delete domains"}
	e, err := p.Editor(ctx, apex)
	if err != nil {
		return b, err
	}
	z := e.(*rrset.Editor).Service.(*zone)
	sets := slices.DeleteFunc(absent.Records(apex, owner), func(r absent.Record) bool {
		return r.Reach == dns01.TheApex || r.Reach == dns01.OtherTypes
	})
	sets = append(sets, absent.Record{Reach: dns01.OtherTypes, Owner: sets[0].Owner, Type: "AAAA"})
	for _, ask := range []func() ([]dns01.Trial, error){
		func() ([]dns01.Trial, error) { return absent.Try(ctx, sets, z.empty) },
		func() ([]dns01.Trial, error) { return z.elsewhere(ctx) },
		func() ([]dns01.Trial, error) {
			return reach.Look(ctx, z.get, reach.Place{Reach: dns01.Account, Question: "tokens of the account (perm_manage_tokens)", Path: "auth/tokens/"})
		},
	} {
		more, err := ask()
		if b.Trials = append(b.Trials, more...); err != nil {
			return b, err
		}
	}
	return b, nil
}

func (z *zone) get(ctx context.Context, path string) error {
	return z.account.Call(ctx, web.Request{Method: http.MethodGet, Path: path}, nil)
}

// few is how many other domains are tried.
const few = 5

// elsewhere tries other domains. All domains of the account are listed for every
// token.
func (z *zone) elsewhere(ctx context.Context) ([]dns01.Trial, error) {
	var list []struct {
		Name      string
		LowestTTL int `json:"minimum_ttl"`
	}
	r := web.Request{Method: http.MethodGet, Path: "domains/", Query: url.Values{"cursor": {""}}}
	if err := z.account.Call(ctx, r, &list); err != nil {
		return nil, err
	}
	var trials []dns01.Trial
	for _, d := range list {
		name, wrong := delegation.ParseName(d.Name)
		if wrong != nil || name == z.name || len(trials) == few {
			continue
		}
		other := &zone{z.account, name, d.LowestTTL}
		more, err := absent.Try(ctx, []absent.Record{absent.In(name)}, other.empty)
		if trials = append(trials, more...); err != nil {
			return trials, err
		}
	}
	if len(trials) == 0 {
		trials = []dns01.Trial{reach.Found(dns01.OtherZones, "list of domains", "")}
	}
	return trials, nil
}

// empty asks for a record set to be removed that is not there.
func (z *zone) empty(ctx context.Context, r absent.Record) (absent.Verdict, string, error) {
	body := []set{{Subname: z.subname(r.Owner), Type: r.Type, TTL: z.lowestTTL, Records: []string{}}}
	_, err := z.account.Send(ctx, z.request(http.MethodPatch, nil, body))
	status, answered := errors.AsType[*web.RefusedError](err)
	switch {
	case err == nil:
		return absent.Accepted, "200", nil
	case !answered:
		return absent.Unclear, "", err
	case status.Status == http.StatusForbidden:
		return absent.Refused, "403", nil
	}
	return absent.Unclear, fmt.Sprint(status.Status), nil
}
