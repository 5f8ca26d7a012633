package route53

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/absent"
	"certctl/dns01/txt"
	"certctl/dns01/web"
)

// Ping implements dns01.Pinger: it reads a record set.
func (p *provider) Ping(ctx context.Context, apex delegation.Name, _ []delegation.Name) error {
	h, err := p.zone(ctx, apex)
	if err != nil {
		return err
	}
	_, err = h.Read(ctx, p.scope)
	return err
}

// ProbeScope implements dns01.ScopeProber. Amazon looks at the policies first and
// denies; who is allowed to hears that there is no such record set.
func (p *provider) ProbeScope(ctx context.Context, apex, owner delegation.Name) (dns01.Breadth, error) {
	b := dns01.Breadth{Server: p.client.Server()}
	h, err := p.zone(ctx, apex)
	if err != nil {
		return b, err
	}
	if b.Trials, err = absent.Try(ctx, absent.Records(apex, owner), h.remove); err != nil {
		return b, err
	}
	more, err := h.elsewhere(ctx)
	if b.Trials = append(b.Trials, more...); err != nil {
		return b, err
	}
	more, b.Unseen, err = p.rest(ctx)
	b.Trials = append(b.Trials, more...)
	return b, err
}

// elsewhere tries another hosted zone, if the key sees one.
func (h *zone) elsewhere(ctx context.Context) ([]dns01.Trial, error) {
	other, err := h.otherZone(ctx)
	if denied(err) || err == nil && other.ID == "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	elsewhere := &zone{provider: h.provider, id: other.id()}
	return absent.Try(ctx, []absent.Record{absent.In(delegation.Name(other.Name))}, elsewhere.remove)
}

// rest asks IAM for a role of the account. AdministratorAccess, PowerUserAccess
// and the policies that read everything allow that (AWS managed policy
// reference); a key for records does not need it.
func (p *provider) rest(ctx context.Context) ([]dns01.Trial, string, error) {
	const unseen = "what else the key may do in the account"
	at := p.env.Variable("AWS_ENDPOINT_URL_IAM")
	if at == "" && p.config.Endpoint != "" {
		return nil, unseen + ": endpoint: is configured, and no AWS_ENDPOINT_URL_IAM is set", nil
	}
	client, err := web.NewClient(cmp.Or(at, "https://iam.amazonaws.com"), string(p.config.CAFile), p.config.Timeout)
	if err != nil {
		return nil, "", fmt.Errorf("AWS_ENDPOINT_URL_IAM: %w", err)
	}
	keys, err := p.keys.get(ctx)
	if err != nil {
		return nil, "", err
	}
	_, err = client.Do(ctx, web.Request{
		Method: http.MethodGet, Path: "/", Busy: busy, Secrets: keys.secrets(),
		Query:  url.Values{"Action": {"ListRoles"}, "Version": {"2010-05-08"}, "MaxItems": {"1"}},
		Header: http.Header{"Accept": {"text/xml"}},
		Sign: func(r *http.Request, body []byte) error {
			sign(r, body, keys, "us-east-1", "iam", time.Now())
			return nil
		},
	})
	if err = newAPIError(err, ""); err != nil && !denied(err) {
		return nil, unseen + ": " + err.Error(), nil
	}
	t := dns01.Trial{Reach: dns01.Account, Question: "roles of the account (IAM)", Accepted: err == nil, Refused: err != nil, Answer: "may be read"}
	if err != nil {
		t.Answer = "AccessDenied"
	}
	return []dns01.Trial{t}, "", nil
}

// remove asks for the removal of a record that is not there.
func (h *zone) remove(ctx context.Context, r absent.Record) (absent.Verdict, string, error) {
	data := r.Value
	if r.Type == "TXT" {
		data = txt.Quote(data)
	}
	set := recordSet{Name: r.Owner.String(), Type: r.Type, TTL: 60, Values: []string{data}}
	body := changeRequest{XMLNS: namespace, Changes: []change{{"DELETE", set}}}
	err := h.provider.call(ctx, http.MethodPost, "hostedzone/"+h.id+"/rrset", nil, body, new(changeResponse))
	e, ok := errors.AsType[*APIError](err)
	switch {
	case !ok:
		return absent.Unclear, "", err
	case denied(err):
		return absent.Refused, e.Code, nil
	case e.Code == "InvalidChangeBatch":
		return absent.Accepted, e.Code, nil
	}
	return absent.Unclear, e.Code, nil
}

func denied(err error) bool {
	e, ok := errors.AsType[*APIError](err)
	return ok && strings.HasPrefix(e.Code, "AccessDenied")
}
