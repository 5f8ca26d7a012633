package dns01

import "context"

// Publication is one value at the place that a grant allows.
type Publication struct {
	Grant
	Value string
}

// Record returns what is published and journaled.
func (p Publication) Record() Record {
	ttl := p.Credential.TTL
	if ttl == 0 {
		ttl = DefaultTTL
	}
	return Record{Zone: p.Target.Zone, Owner: p.Target.Owner, Value: p.Value, TTL: ttl}
}

// Publish writes all publications: one call for each zone and credential,
// different ones side by side, the same value at the same owner once. The
// errors of all zones, each a *ZoneError, are joined. After an error some of its
// zone's records may be there: they are to be removed with all the others.
func Publish(ctx context.Context, ps []Publication) error {
	var bs batches
	for _, p := range ps {
		bs.add(p.Credential, p.Record())
	}
	return bs.each(func(b *batch) error { return b.credential.Append(ctx, b.zone, b.records) })
}
