package standalone

import (
	"context"
	"fmt"
	"time"

	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/guard"
	"certctl/nameserver/values"
)

// provider is a dns01.Provider.
type provider struct {
	pool  *Pool
	zone  delegation.Name
	label string
}

// Label implements dns01.Labeler.
func (p *provider) Label() string { return p.label }

// AppendRecords adds values to the zone that is being served.
func (p *provider) AppendRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	admitted, list, err := p.admit(ctx, zone, records)
	if err != nil {
		return nil, err
	}
	if err := p.pool.change(p.zone, list, nil); err != nil {
		return nil, &dns01.UnwrittenError{Err: err}
	}
	return guard.Done(admitted), nil
}

// DeleteRecords removes values from the zone that is being served.
func (p *provider) DeleteRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	admitted, list, err := p.admit(ctx, zone, records)
	if err != nil {
		return nil, err
	}
	if err := p.pool.change(p.zone, nil, list); err != nil {
		return nil, err
	}
	return guard.Done(admitted), nil
}

// owner of the values: all are of this run.
const owner = "standalone"

// admit reads records of the zone, and refuses others.
func (p *provider) admit(ctx context.Context, zone string, records []libdns.Record) ([]dns01.Record, []values.Value, error) {
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	admitted, err := guard.Admit(p.label, p.zone, zone, records)
	if err != nil {
		return nil, nil, err
	}
	var list []values.Value
	for _, r := range admitted {
		if r.Zone != p.zone {
			return nil, nil, &UndelegatedError{Zone: r.Zone, Scope: p.zone}
		}
		list = append(list, values.Value{Owner: r.Owner, Text: r.Value, TTL: uint32(r.TTL / time.Second), Key: owner})
	}
	return admitted, list, nil
}

// Askers implements dns01.Audience.
func (p *provider) Askers(_ context.Context, _, owner delegation.Name) ([]dns01.Asker, error) {
	var askers []dns01.Asker
	for _, a := range p.pool.witness.Asked(owner) {
		askers = append(askers, dns01.Asker{Network: a.Network, Queries: a.Queries, Served: a.Served(), Last: a.Last})
	}
	return askers, nil
}

// UndelegatedError says that the name is in another zone than the one that is
// served here, so that nobody would ask us.
type UndelegatedError struct {
	Zone  delegation.Name // that the name is in
	Scope delegation.Name // that is served here
}

func (e *UndelegatedError) Error() string {
	return fmt.Sprintf("standalone: %s is a part of zone %s, and not delegated to this host", e.Scope.Bare(), e.Zone.Bare())
}

// Hint says what is missing.
func (e *UndelegatedError) Hint() string {
	return fmt.Sprintf("add an NS record with the name of this host at %s to zone %s", e.Scope.Bare(), e.Zone.Bare())
}
