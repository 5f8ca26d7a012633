package rfc2136

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/libdns/libdns"
	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/dns01"
)

// provider is a dns01.Provider.
type provider struct {
	scope   delegation.Name
	server  *server // nil: the zone's primary
	primary func(context.Context, delegation.Name) ([]netip.AddrPort, error)
	key     *key
	timeout time.Duration
}

// Label implements dns01.Labeler.
func (p *provider) Label() string {
	return "rfc2136 key " + p.key.name.Bare()
}

// Format shows the label for every verb, so that no secret is ever printed.
func (p *provider) Format(f fmt.State, _ rune) { fmt.Fprint(f, p.Label()) }

// Prepare implements dns01.Preparer: it reads the secret.
func (p *provider) Prepare(ctx context.Context) error { return p.key.load(ctx) }

// Verifies implements dns01.Verifier.
func (p *provider) Verifies() {}

// AppendRecords adds TXT records to a zone and returns when they are there,
// beside what there was.
func (p *provider) AppendRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	return p.change(ctx, zone, records, (*session).add)
}

// DeleteRecords removes exactly these TXT records, whatever their TTL, and
// returns when they are gone.
func (p *provider) DeleteRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	return p.change(ctx, zone, records, (*session).remove)
}

func (p *provider) change(ctx context.Context, zone string, records []libdns.Record, do func(*session, context.Context, []*dns.TXT) error) ([]libdns.Record, error) {
	z, err := delegation.ParseName(zone)
	if err != nil {
		return nil, err
	}
	rrs, done, err := p.admit(z, records)
	if err != nil || len(rrs) == 0 {
		return nil, err
	}
	ctx, attempt := dns01.Attempting(ctx)
	if err := p.Prepare(ctx); err != nil {
		return nil, attempt.Err(err)
	}
	s, err := p.open(ctx, z)
	if err != nil {
		return nil, attempt.Err(err)
	}
	defer s.close()
	if err := do(s, ctx, rrs); err != nil {
		return nil, attempt.Err(err)
	}
	return done, nil
}

// admit converts records, and refuses all if one is outside the scope.
func (p *provider) admit(zone delegation.Name, records []libdns.Record) (rrs []*dns.TXT, done []libdns.Record, err error) {
	for _, r := range records {
		rr := r.RR()
		if rr.Type != "TXT" {
			return nil, nil, fmt.Errorf("a record of type %s: only TXT is written", rr.Type)
		}
		owner, err := delegation.ParseName(libdns.AbsoluteName(rr.Name, zone.String()))
		if err != nil {
			return nil, nil, err
		}
		if !owner.IsAtOrBelow(p.scope) || !p.scope.IsAtOrBelow(zone) {
			return nil, nil, &dns01.ScopeError{Label: p.Label(), Scope: p.scope, Zone: zone, Owner: owner}
		}
		rrs = append(rrs, newTXT(owner, rr.Data, rr.TTL))
		done = append(done, libdns.TXT{Name: rr.Name, TTL: rr.TTL, Text: rr.Data})
	}
	return rrs, done, nil
}

// newTXT returns a record of strings of at most 255 octets (RFC 1035 §3.3.14).
func newTXT(owner delegation.Name, value string, ttl time.Duration) *dns.TXT {
	rr := &dns.TXT{Hdr: dns.RR_Header{Name: owner.String(), Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: uint32(ttl / time.Second)}}
	for len(value) > 255 {
		rr.Txt = append(rr.Txt, escape(value[:255]))
		value = value[255:]
	}
	rr.Txt = append(rr.Txt, escape(value))
	return rr
}

// escape writes a string as the DNS library has it, in presentation format.
func escape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\%03d`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// text returns the whole value of a record.
func text(rr *dns.TXT) string { return strings.Join(rr.Txt, "") }
