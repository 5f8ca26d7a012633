// Package module makes a provider of one of the community's libdns modules
// (github.com/libdns), so that it can be compiled in. Three lines do it: in
// go.mod, by
//
//	go get github.com/libdns/inwx@v0.3.0
//
// and in cli/provider.go
//
//	import "github.com/libdns/inwx"
//	"inwx": kind(module.New[inwx.Provider]),
//
// The configuration then has the module's own options, by the names that they
// have in JSON, and a secret may be in any of them:
//
//	zones:
//	  auth.example.net:
//	    provider: inwx
//	    options: {username: certctl, password: {file: inwx.password}}
//
// What libdns lacks is added: nothing outside the scope gets through, a value
// that is there is not added again, a value that is not there is not removed, one
// call is made at a time, and errors do not show the options. What a module does
// with the values of others is its own; run conformance.Test on it first.
package module

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/libdns/libdns"

	"certctl/delegation"
	"certctl/dns01"
	"certctl/dns01/guard"
	"certctl/secret"
)

// Config is an entry of zones: with a provider from a libdns module.
type Config struct {
	// Options are the module's own, by the names that they have in JSON.
	Options map[string]secret.Secret `yaml:"options,omitempty"`
}

// Module is a pointer to what a libdns module calls Provider.
type Module[P any] interface {
	*P
	dns01.Provider
}

// New returns a provider that writes within a scope by way of a module. It reads
// no option: that is for Prepare, or the first use.
func New[P any, M Module[P]](c Config, scope delegation.Name, _ dns01.Environment) (dns01.Provider, error) {
	name := reflect.TypeFor[P]().PkgPath()
	p := &provider{label: "libdns " + name[strings.LastIndexByte(name, '/')+1:], scope: scope, turn: guard.NewTurn()}
	p.load = func(ctx context.Context) (*module, error) {
		m := M(new(P))
		values, err := fill(ctx, m, c.Options)
		return &module{m, values}, err
	}
	return p, nil
}

// provider is a dns01.Provider.
type provider struct {
	label string
	scope delegation.Name
	load  func(context.Context) (*module, error)

	turn   guard.Turn // to use what follows
	loaded *module    // nil before Prepare; behind a pointer, where fmt does not look
}

// module is a configured module, and its options.
type module struct {
	dns01.Provider
	secrets []string
}

// fill writes options into a module. What is no text there, like a number, is
// written as JSON.
func fill(ctx context.Context, into any, options map[string]secret.Secret) (values []string, err error) {
	for name, option := range options {
		value, err := option.Reveal(ctx)
		if err != nil {
			return nil, fmt.Errorf("options: %s: %w", name, err)
		}
		values = append(values, value)
		text, _ := json.Marshal(map[string]string{name: value})
		raw := fmt.Sprintf("{%q: %s}", name, value)
		if decode(string(text), into) != nil && (!json.Valid([]byte(value)) || decode(raw, into) != nil) {
			return nil, fmt.Errorf("options: %s: the module has no such option, or not with such a value", name)
		}
	}
	return values, nil
}

func decode(text string, into any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// Label implements dns01.Labeler.
func (p *provider) Label() string { return p.label }

// Format shows the label for every verb, so that no secret is ever printed.
func (p *provider) Format(f fmt.State, _ rune) { fmt.Fprint(f, p.label) }

// Prepare implements dns01.Preparer: it reads the options.
func (p *provider) Prepare(ctx context.Context) error {
	if err := p.begin(ctx); err != nil {
		return err
	}
	p.turn.Give()
	return nil
}

// begin waits until no other call is made, and reads the options.
func (p *provider) begin(ctx context.Context) error {
	if err := p.turn.Take(ctx); err != nil {
		return err
	}
	if p.loaded != nil {
		return nil
	}
	m, err := p.load(ctx)
	if err != nil {
		p.turn.Give()
		return err
	}
	p.loaded = m
	return nil
}

// AppendRecords adds those records that are not there.
func (p *provider) AppendRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	return p.change(ctx, zone, records, false, dns01.Provider.AppendRecords)
}

// DeleteRecords removes those records that are there.
func (p *provider) DeleteRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	return p.change(ctx, zone, records, true, dns01.Provider.DeleteRecords)
}

type call func(dns01.Provider, context.Context, string, []libdns.Record) ([]libdns.Record, error)

// change makes a call for those records of which it is true that they are there,
// or that they are not.
func (p *provider) change(ctx context.Context, zone string, records []libdns.Record, there bool, do call) ([]libdns.Record, error) {
	admitted, err := guard.Admit(p.label, p.scope, zone, records)
	if err != nil || len(admitted) == 0 {
		return nil, err
	}
	if err := p.begin(ctx); err != nil {
		return nil, &dns01.UnwrittenError{Err: err}
	}
	defer p.turn.Give()
	wanted := p.which(ctx, zone, guard.Done(admitted), there)
	if len(wanted) > 0 {
		_, err = do(p.loaded.Provider, ctx, zone, wanted)
	}
	if err != nil {
		return nil, p.plain(err)
	}
	return guard.Done(admitted), nil
}

// which returns the records of which it is true that they are there, or not. A
// module that cannot list records is left to find out by itself.
func (p *provider) which(ctx context.Context, zone string, records []libdns.Record, there bool) []libdns.Record {
	getter, ok := p.loaded.Provider.(libdns.RecordGetter)
	if !ok {
		return records
	}
	found, err := getter.GetRecords(ctx, zone)
	if err != nil {
		return records
	}
	return slices.DeleteFunc(records, func(r libdns.Record) bool {
		return there != slices.ContainsFunc(found, func(f libdns.Record) bool {
			return same(f.RR(), r.RR(), zone)
		})
	})
}

func same(a, b libdns.RR, zone string) bool {
	return a.Type == b.Type && a.Data == b.Data && strings.EqualFold(libdns.AbsoluteName(a.Name, zone), libdns.AbsoluteName(b.Name, zone))
}

// plain takes the options out of an error. One that shows none is left as it is.
func (p *provider) plain(err error) error {
	if text := guard.Quote(err.Error(), p.loaded.secrets...); text != err.Error() {
		return errors.New(text)
	}
	return err
}
