package rrset

import (
	"context"
	"fmt"
	"sync"

	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/guard"
)

// Zones are the zones of a provider, each with an editor of its own, and nothing
// outside its scope. It is the part of a dns01.Provider that writes.
type Zones struct {
	Title string // how the user knows the provider
	Scope delegation.Name
	Open  func(ctx context.Context, zone delegation.Name) (*Editor, error) // called once for a zone
	Check func(value string) error                                         // refuses values that the service does not take; nil: it takes all

	mu      sync.Mutex
	editors map[delegation.Name]*Editor
}

// Label implements dns01.Labeler.
func (z *Zones) Label() string { return z.Title }

// Format shows the label for every verb, so that no secret of the provider that
// this is a part of is ever printed.
func (z *Zones) Format(f fmt.State, _ rune) { fmt.Fprint(f, z.Title) }

// AppendRecords adds values beside those that are there.
func (z *Zones) AppendRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	return z.edit(ctx, zone, records, (*Editor).Add)
}

// DeleteRecords removes exactly these values.
func (z *Zones) DeleteRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	return z.edit(ctx, zone, records, (*Editor).Remove)
}

func (z *Zones) edit(ctx context.Context, zone string, records []libdns.Record, do func(*Editor, context.Context, []dns01.Record) error) ([]libdns.Record, error) {
	admitted, err := guard.Admit(z.Title, z.Scope, zone, records)
	if err != nil || len(admitted) == 0 {
		return nil, err
	}
	for _, r := range admitted {
		if z.Check == nil {
			break
		}
		if err := z.Check(r.Value); err != nil {
			return nil, &dns01.UnsentError{Err: err}
		}
	}
	e, err := z.Editor(ctx, admitted[0].Zone)
	if err != nil {
		return nil, &dns01.UnsentError{Err: err}
	}
	if err := do(e, ctx, admitted); err != nil {
		return nil, err
	}
	return guard.Done(admitted), nil
}

// Editor returns the editor of a zone. Where the scope does not lie in the zone,
// the error is a *dns01.ScopeError.
func (z *Zones) Editor(ctx context.Context, zone delegation.Name) (*Editor, error) {
	if !z.Scope.IsAtOrBelow(zone) {
		return nil, &dns01.ScopeError{Label: z.Title, Scope: z.Scope, Zone: zone, Owner: z.Scope}
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if e := z.editors[zone]; e != nil {
		return e, nil
	}
	e, err := z.Open(ctx, zone)
	if err != nil {
		return nil, err
	}
	if z.editors == nil {
		z.editors = make(map[delegation.Name]*Editor)
	}
	z.editors[zone] = e
	return e, nil
}
