// Package hosted is what providers have in common whose zones are at a service
// with an account: the scope, the label, the secrets that are read when they are
// first needed, and an editor for each zone, which is looked up once.
package hosted

import (
	"context"
	"fmt"

	"github.com/libdns/libdns"
	"golang.org/x/sync/errgroup"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/guard"
)

// Editor adds and removes TXT records in one zone: an rrset.Editor, a
// records.Editor, or one of the provider's own.
type Editor interface {
	Add(ctx context.Context, records []dns01.Record) error
	Remove(ctx context.Context, records []dns01.Record) error

	// Look reads what is at an owner, to see whether the service lets us.
	Look(ctx context.Context, owner delegation.Name) error
}

// Secret is what opens the service.
type Secret interface {
	dns01.Preparer
	dns01.Censor
}

// Open finds a zone at the service. It writes nothing.
type Open func(ctx context.Context, zone delegation.Name) (Editor, error)

// Provider is a dns01.Provider within a scope.
type Provider struct {
	label  string
	scope  delegation.Name
	secret Secret
	open   Open

	turn    guard.Turn // to use editors
	editors map[delegation.Name]Editor
}

// New returns a provider. secret reads the secrets, as web.Account does.
func New(label string, scope delegation.Name, secret Secret, open Open) *Provider {
	return &Provider{
		label: label, scope: scope, secret: secret, open: open,
		turn: guard.NewTurn(), editors: make(map[delegation.Name]Editor),
	}
}

// Label implements dns01.Labeler.
func (p *Provider) Label() string { return p.label }

// Format shows the label for every verb, so that no secret is ever printed.
func (p *Provider) Format(f fmt.State, _ rune) { fmt.Fprint(f, p.label) }

// Prepare implements dns01.Preparer.
func (p *Provider) Prepare(ctx context.Context) error { return p.secret.Prepare(ctx) }

// Censor implements dns01.Censor.
func (p *Provider) Censor(text string) string { return p.secret.Censor(text) }

// Ping implements dns01.Pinger. That a key may read does not say that it may write.
func (p *Provider) Ping(ctx context.Context, zone delegation.Name, _ []delegation.Name) error {
	e, err := p.Editor(ctx, zone)
	if err != nil {
		return err
	}
	return e.Look(ctx, zone)
}

// wide is how many owners are asked about at a time.
const wide = 4

// Each asks about owners, for services whose keys may be for single names. The
// first error is returned.
func Each(ctx context.Context, owners []delegation.Name, ask func(context.Context, delegation.Name) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(wide)
	for _, o := range owners {
		g.Go(func() error { return ask(ctx, o) })
	}
	return g.Wait()
}

// AppendRecords adds records.
func (p *Provider) AppendRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	return p.change(ctx, zone, records, Editor.Add)
}

// DeleteRecords removes exactly these records.
func (p *Provider) DeleteRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	return p.change(ctx, zone, records, Editor.Remove)
}

func (p *Provider) change(ctx context.Context, zone string, records []libdns.Record, do func(Editor, context.Context, []dns01.Record) error) ([]libdns.Record, error) {
	admitted, err := guard.Admit(p.label, p.scope, zone, records)
	if err != nil || len(admitted) == 0 {
		return nil, err
	}
	ctx, attempt := dns01.Attempting(ctx)
	editor, err := p.Editor(ctx, admitted[0].Zone)
	if err == nil {
		err = do(editor, ctx, admitted)
	}
	if err != nil {
		return nil, attempt.Err(err)
	}
	return guard.Done(admitted), nil
}

// Editor returns the editor of a zone.
func (p *Provider) Editor(ctx context.Context, zone delegation.Name) (Editor, error) {
	if err := p.turn.Take(ctx); err != nil {
		return nil, err
	}
	defer p.turn.Give()
	if e := p.editors[zone]; e != nil {
		return e, nil
	}
	e, err := p.open(ctx, zone)
	if err != nil {
		return nil, err
	}
	p.editors[zone] = e
	return e, nil
}
