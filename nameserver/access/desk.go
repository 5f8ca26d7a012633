package access

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"certctl/delegation"
	"certctl/nameserver/values"
)

// DefaultLifetime is how long a value stays that nobody removes.
const DefaultLifetime = time.Hour

// Values is where values are kept; *values.Store is one.
type Values interface {
	// Change removes values of a zone and puts others, all or nothing. A value
	// is removed only for the key that has put it; that it is not there is no
	// error.
	Change(zone delegation.Name, put, remove []values.Value) error

	// At returns the values at an owner name; not to be changed.
	At(zone, owner delegation.Name) []values.Value
}

// Desk takes changes from those who may make them.
type Desk struct {
	Values   Values
	Lifetime time.Duration // of a value; 0: DefaultLifetime
	Log      *slog.Logger  // who set what, when and from where; nil: nowhere

	// Count is told of everything that was asked for, in few words: the way, and
	// set, removed, refused, failed or denied. May be nil.
	Count func(way, result string)

	// Renewed is told of an owner name when there is another value at it. May be
	// nil.
	Renewed func(owner delegation.Name)

	denials Rate // in the log
}

// Denials in the log, each second and at once: anybody can cause as many as he
// likes. All are counted.
const (
	denialRate  = 5
	denialBurst = 100
)

// NewDesk returns a desk that keeps values there and writes this log, which may
// be nil.
func NewDesk(v Values, log *slog.Logger) *Desk {
	return &Desk{Values: v, Log: log, denials: Rate{PerSecond: denialRate, Burst: denialBurst}}
}

// Visit is who comes, how and from where.
type Visit struct {
	Key  *Key
	Way  string // "update", "acme-dns", "httpreq"
	From netip.Addr
}

// Request is what is to be done in one zone. Of values, owner, text and TTL
// count: the desk adds the key and the expiry.
type Request struct {
	Zone        delegation.Name
	Put, Remove []values.Value
}

// Do does what is asked for on behalf of a key: all, or nothing and returns an
// error. It is a *ForbiddenError or a *ValueError where the key has no right to.
func (d *Desk) Do(ctx context.Context, v Visit, r Request) error {
	err := check(v, r)
	if err == nil {
		r.Remove = d.there(v.Key, r)
		err = d.Values.Change(r.Zone, d.owned(v.Key, r.Put), d.owned(v.Key, r.Remove))
	}
	if err == nil && d.Renewed != nil {
		for _, p := range r.Put {
			d.Renewed(p.Owner)
		}
	}
	d.note(ctx, v, r, err)
	return err
}

// there returns those of the values to be removed that are a key's own. Others
// stay, and are nothing to put into the log.
func (d *Desk) there(k *Key, r Request) []values.Value {
	return slices.DeleteFunc(slices.Clone(r.Remove), func(gone values.Value) bool {
		return !slices.ContainsFunc(d.Values.At(r.Zone, gone.Owner), func(v values.Value) bool {
			return v.Key == k.ID && v.Text == gone.Text
		})
	})
}

// owned returns values with their key and expiry.
func (d *Desk) owned(k *Key, list []values.Value) []values.Value {
	lifetime := d.Lifetime
	if lifetime == 0 {
		lifetime = DefaultLifetime
	}
	list = slices.Clone(list)
	for i := range list {
		list[i].Key, list[i].Expires = k.ID, time.Now().Add(lifetime)
	}
	return list
}

// check checks the rights of a key.
func check(v Visit, r Request) error {
	if !v.Key.MayComeFrom(v.From) {
		return &ForbiddenError{Key: v.Key.ID, From: v.From}
	}
	for _, c := range slices.Concat(r.Put, r.Remove) {
		if !v.Key.Covers(c.Owner) || !c.Owner.IsAtOrBelow(r.Zone) {
			return &ForbiddenError{Key: v.Key.ID, Name: c.Owner, From: v.From}
		}
	}
	for _, c := range r.Put {
		if !v.Key.AnyValue && !IsValidation(c.Text) {
			return &ValueError{Name: c.Owner}
		}
	}
	return nil
}

var validationValue = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// IsValidation reports whether a value is the SHA-256 digest of a key
// authorization, as RFC 8555 §8.4 has it.
func IsValidation(value string) bool { return validationValue.MatchString(value) }

// note writes the audit log.
func (d *Desk) note(ctx context.Context, v Visit, r Request, err error) {
	d.count(v, r, err)
	if d.Log == nil {
		return
	}
	who := []slog.Attr{slog.String("key", v.Key.ID), slog.String("from", v.From.String()), slog.String("way", v.Way)}
	if err != nil {
		d.Log.LogAttrs(ctx, slog.LevelWarn, "change refused", append(who, slog.String("why", err.Error()))...)
		return
	}
	for _, c := range r.Remove {
		d.Log.LogAttrs(ctx, slog.LevelInfo, "value removed", append(who[:len(who):len(who)], what(c)...)...)
	}
	for _, c := range r.Put {
		d.Log.LogAttrs(ctx, slog.LevelInfo, "value set", append(who[:len(who):len(who)], what(c)...)...)
	}
}

func (d *Desk) count(v Visit, r Request, err error) {
	var forbidden *ForbiddenError
	var value *ValueError
	switch {
	case d.Count == nil:
	case errors.As(err, &forbidden), errors.As(err, &value):
		d.Count(v.Way, "refused")
	case err != nil:
		d.Count(v.Way, "failed")
	default:
		for range r.Put {
			d.Count(v.Way, "set")
		}
		for range r.Remove {
			d.Count(v.Way, "removed")
		}
	}
}

// what says which value. One that is none of a challenge may be anything, also a
// password in the wrong place, and is not shown.
func what(v values.Value) []slog.Attr {
	text := "(not shown)"
	if IsValidation(v.Text) {
		text = v.Text
	}
	return []slog.Attr{slog.String("name", v.Owner.Bare()), slog.String("value", text)}
}

// Failed notes that somebody could not prove who he is. key is the one that he
// claimed to have, as far as there is such a one.
func (d *Desk) Failed(ctx context.Context, key, way string, from netip.Addr, why string) {
	if d.Count != nil {
		d.Count(way, "denied")
	}
	if d.Log == nil {
		return
	}
	if _, ok := d.denials.Allow(netip.Addr{}); ok {
		d.Log.LogAttrs(ctx, slog.LevelWarn, "access denied", slog.String("key", key),
			slog.String("from", from.String()), slog.String("way", way), slog.String("why", why))
	}
}
