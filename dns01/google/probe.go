package google

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/absent"
	"certctl/dns01/reach"
	"certctl/dns01/token"
	"certctl/dns01/txt"
	"certctl/dns01/web"
)

// Ping implements dns01.Pinger: it reads a record set. Reading is for the zone.
func (p *provider) Ping(ctx context.Context, apex delegation.Name, _ []delegation.Name) error {
	z, err := p.zone(ctx, apex)
	if err != nil {
		return err
	}
	_, err = z.Read(ctx, p.scope)
	return err
}

// ProbeScope implements dns01.ScopeProber. Who may not write hears that it is
// forbidden; who may, that there is no such record set.
func (p *provider) ProbeScope(ctx context.Context, apex, owner delegation.Name) (dns01.Breadth, error) {
	b := dns01.Breadth{Server: p.account.Client.Server()}
	z, err := p.zone(ctx, apex)
	if err != nil {
		return b, err
	}
	if b.Trials, err = absent.Try(ctx, absent.Records(apex, owner), z.remove); err != nil {
		return b, err
	}
	more, err := z.elsewhere(ctx)
	if b.Trials = append(b.Trials, more...); err != nil {
		return b, err
	}
	more, b.Unseen, err = z.rest(ctx)
	b.Trials = append(b.Trials, more...)
	return b, err
}

// elsewhere tries another zone of the project, if the key sees one.
func (z *zone) elsewhere(ctx context.Context) ([]dns01.Trial, error) {
	all, err := z.list(ctx, url.Values{})
	if err != nil && !forbidden(err) {
		return nil, err
	}
	for _, m := range all {
		if m.Name != z.name {
			other := &zone{provider: z.provider, project: z.project, name: m.Name}
			return absent.Try(ctx, []absent.Record{absent.In(delegation.Name(m.DNSName))}, other.remove)
		}
	}
	return nil, nil
}

// permissions are some that a key for records does not need, one of each kind
// that Google's basic and administrator roles have.
var permissions = []string{
	"resourcemanager.projects.setIamPolicy", "iam.serviceAccountKeys.create", "compute.instances.list",
	"storage.buckets.list", "dns.managedZones.create", "dns.managedZones.delete",
}

// rest asks which permissions the key has for the project. Resource Manager
// tells that to everybody (projects.testIamPermissions), if it is enabled and a
// token for more than DNS is to be had; else it is said what was not seen.
func (z *zone) rest(ctx context.Context) ([]dns01.Trial, string, error) {
	const unseen = "what else the key may do in the project: "
	client, err := z.provider.resourceManager()
	if client == nil {
		return nil, unseen + "endpoint: is configured, and no CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER is set", err
	}
	account := token.Account{Client: client, Source: token.NewSource(func(ctx context.Context) (token.Token, error) {
		return z.provider.keys.tokenFor(ctx, readScope)
	})}
	var answer struct{ Permissions []string }
	r := web.Request{Method: http.MethodPost, Path: "v1/projects/" + url.PathEscape(z.project) + ":testIamPermissions", Body: map[string]any{"permissions": permissions}}
	if _, err := account.Call(ctx, r, &answer); err != nil {
		if _, refused := errors.AsType[*web.RefusedError](err); refused {
			return nil, unseen + newAPIError(err).Error(), nil
		}
		return nil, "", err
	}
	return []dns01.Trial{reach.Found(dns01.Account, "permissions in the project", strings.Join(answer.Permissions, ", "))}, "", nil
}

// resourceManager returns a client for Resource Manager; nil where it is not
// known where that is.
func (p *provider) resourceManager() (*web.Client, error) {
	at := p.keys.env.Variable("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER")
	if at == "" && p.config.Endpoint != "" {
		return nil, nil
	}
	return web.NewClient(cmp.Or(at, "https://cloudresourcemanager.googleapis.com"), string(p.config.CAFile), p.config.Timeout)
}

// remove asks for the removal of a record that is not there.
func (z *zone) remove(ctx context.Context, r absent.Record) (absent.Verdict, string, error) {
	data := r.Value
	if r.Type == "TXT" {
		data = txt.Quote(data)
	}
	c := change{Deletions: []recordSet{{Name: r.Owner.String(), Type: r.Type, TTL: 60, Data: []string{data}}}}
	err := z.call(ctx, http.MethodPost, "/"+z.name+"/changes", nil, c, new(change))
	e, ok := errors.AsType[*APIError](err)
	switch {
	case !ok:
		return absent.Unclear, "", err
	case forbidden(err):
		return absent.Refused, e.Reason, nil
	case e.outdated():
		return absent.Accepted, e.Reason, nil
	}
	return absent.Unclear, e.Reason, nil
}

func forbidden(err error) bool {
	e, ok := errors.AsType[*APIError](err)
	return ok && e.Status.Status == http.StatusForbidden
}
