package webhook

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/guard"
	"certctl/dns01/web"
)

// provider is a dns01.Provider.
type provider struct {
	scope  delegation.Name
	config Config
	client *web.Client

	mu   sync.Mutex
	pass *pass // nil before Prepare
}

// pass is what a request is authenticated with. It stays behind a pointer, where
// fmt does not look.
type pass struct {
	authorization string // "" for none
	secrets       []string
}

// Label implements dns01.Labeler.
func (p *provider) Label() string {
	if p.config.Username != "" {
		return fmt.Sprintf("webhook %s as %s", p.client.Server(), p.config.Username)
	}
	return "webhook " + p.client.Server()
}

// Format shows the label for every verb, so that no secret is ever printed.
func (p *provider) Format(f fmt.State, _ rune) { fmt.Fprint(f, p.Label()) }

// Prepare implements dns01.Preparer: it reads the secret.
func (p *provider) Prepare(ctx context.Context) error {
	_, err := p.load(ctx)
	return err
}

func (p *provider) load(ctx context.Context) (*pass, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pass != nil {
		return p.pass, nil
	}
	var found pass
	switch {
	case !p.config.Token.IsZero():
		token, err := p.config.Token.Reveal(ctx)
		if err != nil {
			return nil, fmt.Errorf("token: %w", err)
		}
		found = pass{"Bearer " + token, []string{token}}
	case !p.config.Password.IsZero():
		password, err := p.config.Password.Reveal(ctx)
		if err != nil {
			return nil, fmt.Errorf("password: %w", err)
		}
		basic := base64.StdEncoding.EncodeToString([]byte(p.config.Username + ":" + password))
		found = pass{"Basic " + basic, []string{password, basic}}
	}
	p.pass = &found
	return p.pass, nil
}

// AppendRecords asks the service to add records.
func (p *provider) AppendRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	return p.change(ctx, zone, records, "present")
}

// DeleteRecords asks the service to remove records.
func (p *provider) DeleteRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	return p.change(ctx, zone, records, "cleanup")
}

func (p *provider) change(ctx context.Context, zone string, records []libdns.Record, path string) ([]libdns.Record, error) {
	admitted, err := guard.Admit(p.Label(), p.scope, zone, records)
	if err != nil || len(admitted) == 0 {
		return nil, err
	}
	ctx, attempt := dns01.Attempting(ctx)
	pass, err := p.load(ctx)
	if err != nil {
		return nil, attempt.Err(err)
	}
	for _, body := range p.bodies(admitted) {
		r := web.Request{Method: http.MethodPost, Path: path, Header: http.Header{}, Body: body, Secrets: pass.secrets}
		if pass.authorization != "" {
			r.Header.Set("Authorization", pass.authorization)
		}
		said, err := p.client.Do(ctx, r)
		if err == nil && strings.HasPrefix(http.DetectContentType(said), "text/html") {
			err = &web.FormError{Server: p.client.Server()}
		}
		if err != nil {
			return nil, attempt.Err(err)
		}
	}
	return guard.Done(admitted), nil
}

// single is a request in mode httpreq.
type single struct {
	FQDN  string `json:"fqdn"`
	Value string `json:"value"`
}

// batch is a request in mode certctl.
type batch struct {
	Zone    string   `json:"zone"`
	Records []record `json:"records"`
}

type record struct {
	FQDN  string `json:"fqdn"`
	Name  string `json:"name"`
	Value string `json:"value"`
	TTL   int64  `json:"ttl"`
}

// bodies returns what is sent, one element a request.
func (p *provider) bodies(records []dns01.Record) []any {
	var singles []any
	all := batch{Zone: records[0].Zone.String()}
	for _, r := range records {
		singles = append(singles, single{r.Owner.String(), r.Value})
		all.Records = append(all.Records, record{r.Owner.String(), r.Owner.Relative(r.Zone), r.Value, int64(r.TTL / time.Second)})
	}
	if p.config.Mode == certctl {
		return []any{all}
	}
	return singles
}

// ProbeScope implements dns01.ScopeProber: it cannot be done. What the service
// behind does with the values, and with which keys, is not seen from here.
func (p *provider) ProbeScope(context.Context, delegation.Name, delegation.Name) (dns01.Breadth, error) {
	return dns01.Breadth{}, &dns01.UntriedError{Label: p.Label(), Why: "what the service behind it may write is not seen from here"}
}
