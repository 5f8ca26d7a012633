package acmedns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"

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
	label  string
	full   delegation.Name // of the one registration, without storage

	turn guard.Turn // to write, as the order of values counts, and to use what follows

	known  *registrations // nil before Prepare
	places map[delegation.Name]*place
}

// Label implements dns01.Labeler.
func (p *provider) Label() string { return p.label }

// Format shows the label for every verb, so that no secret is ever printed.
func (p *provider) Format(f fmt.State, _ rune) { fmt.Fprint(f, p.Label()) }

// Capacity implements dns01.Limiter.
func (p *provider) Capacity(delegation.Name) int { return capacity }

// Prepare implements dns01.Preparer: it reads the registrations.
func (p *provider) Prepare(ctx context.Context) error {
	if err := p.turn.Take(ctx); err != nil {
		return err
	}
	defer p.turn.Give()
	return p.load(ctx)
}

// AppendRecords publishes values, each with the registration of its owner.
func (p *provider) AppendRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	admitted, err := guard.Admit(p.label, p.scope, zone, records)
	if err != nil || len(admitted) == 0 {
		return nil, err
	}
	ctx, attempt := dns01.Attempting(ctx)
	if err := p.turn.Take(ctx); err != nil {
		return nil, attempt.Err(err)
	}
	defer p.turn.Give()
	if err := p.plan(ctx, admitted); err != nil {
		return nil, attempt.Err(err)
	}
	for _, r := range admitted {
		if err := p.publish(ctx, r); err != nil {
			return nil, attempt.Err(err)
		}
	}
	return guard.Done(admitted), nil
}

// DeleteRecords does nothing at the server, which removes nothing: from now on
// the values may be pushed out by others.
func (p *provider) DeleteRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	admitted, err := guard.Admit(p.label, p.scope, zone, records)
	if err != nil || len(admitted) == 0 {
		return nil, err
	}
	if err := p.turn.Take(ctx); err != nil {
		return nil, err
	}
	defer p.turn.Give()
	for _, r := range admitted {
		if at := p.places[r.Owner]; at != nil {
			at.release(r.Value)
		}
	}
	return guard.Done(admitted), nil
}

var validationValue = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// plan checks that all records can be published together with those that are in
// use.
func (p *provider) plan(ctx context.Context, records []dns01.Record) error {
	if err := p.load(ctx); err != nil {
		return err
	}
	wanted := make(map[delegation.Name][]string)
	for _, r := range records {
		if _, ok := p.known.byName[r.Owner]; !ok {
			return &RegistrationError{Label: p.label, Owner: r.Owner, Known: slices.Sorted(maps.Keys(p.known.byName))}
		}
		if !validationValue.MatchString(r.Value) {
			return fmt.Errorf("acme-dns takes values of 43 characters of base64url only, for %s", r.Owner)
		}
		wanted[r.Owner] = append(wanted[r.Owner], r.Value)
	}
	for owner, values := range wanted {
		if p.places[owner] == nil {
			p.places[owner] = &place{values: make(map[string]*use)}
		}
		if n := p.places[owner].with(values); n > capacity {
			return &CapacityError{Owner: owner, Values: n}
		}
	}
	return nil
}

// publish publishes one value, unless it is there.
func (p *provider) publish(ctx context.Context, r dns01.Record) error {
	at, reg := p.places[r.Owner], p.known.byName[r.Owner]
	if at.holds(r.Value) {
		return nil
	}
	if err := at.begin(ctx, r.Value); err != nil {
		return err
	}
	err := reg.update(ctx, r)
	at.sent(r.Value, err)
	return err
}

// update sends a value to the server.
func (r registration) update(ctx context.Context, record dns01.Record) error {
	body, err := r.client.Do(ctx, web.Request{
		Method:  http.MethodPost,
		Path:    "update",
		Header:  http.Header{"X-Api-User": {r.Username}, "X-Api-Key": {r.Password}},
		Body:    map[string]string{"subdomain": r.Subdomain, "txt": record.Value},
		Secrets: []string{r.Password},
	})
	if status, ok := errors.AsType[*web.StatusError](err); ok {
		return newUpdateError(record.Owner, status, err)
	}
	if err != nil {
		return err
	}
	var answer struct{ Txt string }
	if json.Unmarshal(body, &answer) != nil || answer.Txt != record.Value {
		return fmt.Errorf("%s did not answer as acme-dns does: is url: that of its API?", r.client.Server())
	}
	return nil
}
