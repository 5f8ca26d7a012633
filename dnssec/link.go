package dnssec

import (
	"context"
	"sync"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// links remembers the links that are known, and has each made once.
type links struct {
	mu    sync.Mutex
	known map[delegation.Name]*entry
}

type entry struct {
	turn chan struct{} // holds one while somebody makes the link
	link *Link
}

// get returns the link of a zone, made by this caller if nobody did before.
func (l *links) get(ctx context.Context, zone delegation.Name, create func() *Link) *Link {
	e := l.entry(zone)
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return create()
	}
	if e.link != nil {
		return e.link
	}
	link := create()
	if ctx.Err() == nil {
		e.link = link
	}
	return link
}

func (l *links) entry(zone delegation.Name) *entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil {
		l.known = make(map[delegation.Name]*entry)
	}
	e := l.known[zone]
	if e == nil {
		e = &entry{turn: make(chan struct{}, 1)}
		l.known[zone] = e
	}
	return e
}

// anchored returns the link of a zone with a trust anchor.
func (v *Validator) anchored(ctx context.Context, z delegation.Zone) *Link {
	return v.links.get(ctx, z.Apex, func() *Link {
		l := &Link{Zone: z.Apex, DS: v.Anchors.of(z.Apex), Anchored: true}
		v.addKeys(ctx, l, z)
		return l
	})
}

// delegated returns the link of a zone below a secure one.
func (v *Validator) delegated(ctx context.Context, parent, z delegation.Zone, above *Link) *Link {
	return v.links.get(ctx, z.Apex, func() *Link {
		l := &Link{Zone: z.Apex}
		if why := v.addDS(ctx, l, parent, above); why != nil {
			l.fail(why)
			return l
		}
		v.addKeys(ctx, l, z)
		return l
	})
}

// addDS asks the parent for the DS records of a zone.
func (v *Validator) addDS(ctx context.Context, l *Link, parent delegation.Zone, above *Link) *Reason {
	c := checker{parent.Apex, above.trusted, v.now()}
	return v.try(ctx, parent, l.Zone, dns.TypeDS, func(r *reply) *Reason {
		l.DS = nil
		s := find(r.answer, l.Zone, dns.TypeDS)
		if s == nil {
			return c.denial(r.authority).noDS(l.Zone)
		}
		l.DS = typed[*dns.DS](s.rrs)
		by, why := c.check(s)
		if why == nil && s.isExpanded(by) {
			why = &Reason{Code: BadSign, Zone: parent.Apex, Name: s.name, Type: s.rrtype, Signature: by, Detail: "a wildcard made them"}
		}
		if why == nil {
			l.Signatures = append(l.Signatures, *by)
		}
		return why
	})
}

// addKeys asks a zone for its keys. They count if one of them that a DS record
// stands for has signed them all (RFC 4035 §5.2).
func (v *Validator) addKeys(ctx context.Context, l *Link, z delegation.Zone) {
	ds, why := usable(z.Apex, l.DS)
	if why == nil {
		why = v.try(ctx, z, z.Apex, dns.TypeDNSKEY, func(r *reply) *Reason { return v.readKeys(l, ds, r) })
	}
	if why != nil {
		l.fail(why)
		return
	}
	l.Verdict = Secure
}

// readKeys judges a zone's keys.
func (v *Validator) readKeys(l *Link, ds []*dns.DS, r *reply) *Reason {
	l.Server, l.Keys = r.server, nil
	s := find(r.answer, l.Zone, dns.TypeDNSKEY)
	if s == nil {
		return &Reason{Code: NoKey, Zone: l.Zone, Name: l.Zone, Type: dns.TypeDNSKEY, DS: l.DS, Anchored: l.Anchored}
	}
	keys := typed[*dns.DNSKEY](s.rrs)
	l.Keys = summary(keys)
	good := vouched(ds, keys)
	if len(good) == 0 {
		return &Reason{Code: WrongDS, Zone: l.Zone, Name: l.Zone, Type: dns.TypeDNSKEY, DS: l.DS, Keys: l.Keys, Fitting: fitting(keys), Anchored: l.Anchored}
	}
	by, why := checker{l.Zone, good, v.now()}.check(s)
	if why != nil {
		return why
	}
	l.trusted = keys
	l.Signatures = append(l.Signatures, *by)
	return nil
}
