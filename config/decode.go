package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// The library's own decoding is not used beyond single values: it is strict
// only at the top (a yaml.Node cannot be decoded strictly, and zones are decoded
// in two parts), loses the order of mappings, stops at the first error of an
// UnmarshalYAML, and repeats values in its errors.

// decoder reads a YAML tree into structs and notes all that is wrong.
type decoder struct {
	file     *file
	problems []*Problem
	visited  int
}

// file is the configuration file that values come from.
type file struct {
	path     string
	dir      string // relative paths are relative to it
	exposed  bool   // everybody can read it
	warnings []string
}

func (f *file) warn(line int, text string) {
	text = fmt.Sprintf("%s:%d: %s", f.path, line, text)
	if !slices.Contains(f.warnings, text) {
		f.warnings = append(f.warnings, text)
	}
}

// What a type may do about itself while it is decoded.
type (
	unmarshaler interface{ UnmarshalYAML(func(any) error) error }
	checker     interface{ check(at place) }     // notes what is wrong with a whole struct
	keeper      interface{ keep(at place) }      // has keys that others decode
	relative    interface{ SetDir(dir string) }  // is relative to the file
	traceable   interface{ SetOrigin(string) }   // tells later in which line it was
	doubtful    interface{ Warnings() []string } // is worth a warning
	plain       interface{ IsPlain() bool }      // may be a secret in the clear
	exemplary   interface{ example() string }    // shows how it is written, with the key that it is below
)

// place is where in the file a struct is.
type place struct {
	decoder *decoder
	node    *yaml.Node
}

// problem notes a problem with one key of the struct, or with "" the whole.
func (p place) problem(key, format string, args ...any) {
	p.decoder.problem(p.line(key), format, args...)
}

func (p place) line(key string) int {
	if p.node == nil {
		return 0
	}
	for name, value := range p.decoder.pairs(p.node) {
		if name.Value == key {
			return value.Line
		}
	}
	return p.node.Line
}

// has reports whether the struct has a key with something in it, right or wrong.
func (p place) has(key string) bool {
	for name, value := range p.decoder.pairs(p.node) {
		if name.Value == key {
			return !empty(value)
		}
	}
	return false
}

func (d *decoder) problem(line int, format string, args ...any) {
	d.problems = append(d.problems, &Problem{d.file.path, line, fmt.Errorf(format, args...)})
}

// maxNodes bounds what aliases of aliases can blow a file up to.
const maxNodes = 1_000_000

// value decodes a node into v, which is addressable. name is what to call it
// in errors.
func (d *decoder) value(n *yaml.Node, v reflect.Value, name string, f field) {
	n = target(n)
	if d.visited++; d.visited > maxNodes || n.ShortTag() == "!!null" {
		return
	}
	switch u := v.Addr().Interface().(type) {
	case unmarshaler:
		d.unmarshal(n, u, name)
	case encoding.TextUnmarshaler:
		if n.Kind != yaml.ScalarNode {
			d.problem(n.Line, "%s: a single value is expected", name)
		} else if err := u.UnmarshalText([]byte(n.Value)); err != nil {
			d.problem(n.Line, "%s: %w", name, err)
		}
	case *time.Duration:
		d.duration(n, u, name)
	default:
		d.kind(n, v, name, f)
	}
	if r, ok := v.Addr().Interface().(relative); ok {
		r.SetDir(d.file.dir)
	}
	if t, ok := v.Addr().Interface().(traceable); ok {
		t.SetOrigin(fmt.Sprintf("%s:%d", d.file.path, n.Line))
	}
	d.doubt(n, v)
}

func (d *decoder) doubt(n *yaml.Node, v reflect.Value) {
	value := v.Addr().Interface()
	if w, ok := value.(doubtful); ok {
		for _, text := range w.Warnings() {
			d.file.warn(n.Line, text)
		}
	}
	if p, ok := value.(plain); ok && p.IsPlain() && d.file.exposed {
		d.file.warn(n.Line, "there is a secret here, and everybody can read this file: chmod 600 "+d.file.path)
	}
}

func (d *decoder) unmarshal(n *yaml.Node, u unmarshaler, name string) {
	err := u.UnmarshalYAML(func(into any) error {
		inner := &decoder{file: d.file, visited: d.visited}
		inner.value(n, reflect.ValueOf(into).Elem(), name, field{})
		d.visited = inner.visited
		return joined(inner.problems)
	})
	if err == nil {
		return
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		d.problems = append(d.problems, p)
		return
	}
	d.problem(n.Line, "%s: %w", name, err)
}

// duration reads a duration. It shows nothing of what it found, like all here:
// a secret may have slipped into the wrong line.
func (d *decoder) duration(n *yaml.Node, into *time.Duration, name string) {
	duration, err := time.ParseDuration(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode || err != nil:
		d.problem(n.Line, "%s: a duration is expected, like 90s, 5m or 1h", name)
	case duration <= 0:
		d.problem(n.Line, "%s: a duration must be positive", name)
	}
	*into = duration
}

func (d *decoder) kind(n *yaml.Node, v reflect.Value, name string, f field) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), name, f)
	case reflect.Struct:
		d.structure(n, v, name)
	case reflect.Slice:
		d.slice(n, v, name, f)
	case reflect.Map:
		d.mapping(n, v, name)
	default:
		d.scalar(n, v, name, f)
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, name string) {
	if n.Kind != yaml.MappingNode {
		d.problem(n.Line, "%s: a mapping is expected, with the keys %s%s", name, strings.Join(keys(v.Type()), ", "), example(v.Addr()))
		return
	}
	k, keeps := v.Addr().Interface().(keeper)
	if keeps {
		k.keep(place{d, n})
	}
	d.fields(n, v, name, keeps, nil)
	if c, ok := v.Addr().Interface().(checker); ok {
		c.check(place{d, n})
	}
}

// fields fills the fields of a struct. Keys that it does not have are unknown,
// unless they are others' or open says that there may be any.
func (d *decoder) fields(n *yaml.Node, v reflect.Value, name string, open bool, others []string) {
	d.repeated(n)
	values := map[string]*yaml.Node{}
	known := append(keys(v.Type()), others...)
	for key, value := range d.pairs(n) {
		values[key.Value] = value
		if !open && !slices.Contains(known, key.Value) {
			d.unknown(key, known)
		}
	}
	for _, f := range fieldsOf(v.Type()) {
		value := values[f.name]
		switch {
		case f.key:
		case value != nil && !empty(value):
			d.value(value, v.Field(f.index), f.name, f)
		case f.required:
			d.problem(n.Line, "%s: %s is missing", name, f.name)
		case f.fallback != "":
			d.value(&yaml.Node{Kind: yaml.ScalarNode, Value: f.fallback}, v.Field(f.index), f.name, f)
		}
	}
}

var looksLikeKey = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,30}$`)

// unknown reports a key, by name only if it looks like one.
func (d *decoder) unknown(key *yaml.Node, known []string) {
	if !looksLikeKey.MatchString(key.Value) {
		d.problem(key.Line, "unknown key: it may be %s", strings.Join(known, ", "))
		return
	}
	d.problem(key.Line, "unknown key %q%s", key.Value, Suggestion(key.Value, known))
}

// slice reads a list; one element may stand alone. Elements that have a name
// are written as a mapping from their names.
func (d *decoder) slice(n *yaml.Node, v reflect.Value, name string, f field) {
	element := v.Type().Elem()
	if key, ok := keyField(element); ok {
		d.named(n, v, name, key)
		return
	}
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	for _, node := range nodes {
		e := reflect.New(element).Elem()
		d.value(node, e, name, f)
		v.Set(reflect.Append(v, e))
	}
}

// named reads a list that is written as a mapping, in the order of the file.
func (d *decoder) named(n *yaml.Node, v reflect.Value, name string, key field) {
	if n.Kind != yaml.MappingNode {
		d.problem(n.Line, "%s: a mapping is expected, from names%s", name, example(reflect.New(v.Type().Elem().Elem())))
		return
	}
	d.repeated(n)
	for k, value := range d.pairs(n) {
		content := *target(value)
		if content.ShortTag() == "!!null" {
			content = yaml.Node{Kind: yaml.MappingNode}
		}
		content.Line = k.Line // that of the name, for what is wrong with the whole
		e := reflect.New(v.Type().Elem().Elem())
		e.Elem().Field(key.index).SetString(k.Value)
		d.kind(&content, e.Elem(), printable(k.Value), field{})
		v.Set(reflect.Append(v, e))
	}
}

// example returns how a value is written, for the end of an error.
func example(v reflect.Value) string {
	if e, ok := v.Interface().(exemplary); ok {
		return ", like " + e.example()
	}
	return ""
}

var looksLikeName = regexp.MustCompile(`^[A-Za-z0-9._*-]{1,255}$`)

// printable returns a name for use in an error.
func printable(name string) string {
	if looksLikeName.MatchString(name) {
		return name
	}
	return "this name"
}

// mapping reads a mapping from strings.
func (d *decoder) mapping(n *yaml.Node, v reflect.Value, name string) {
	if n.Kind != yaml.MappingNode || v.Type().Elem().Kind() == reflect.Interface {
		d.leaf(n, v, name, "a mapping")
		return
	}
	d.repeated(n)
	v.Set(reflect.MakeMap(v.Type()))
	for key, value := range d.pairs(n) {
		e := reflect.New(v.Type().Elem()).Elem()
		d.value(value, e, printable(key.Value), field{})
		v.SetMapIndex(reflect.ValueOf(key.Value).Convert(v.Type().Key()), e)
	}
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, name string, f field) {
	switch v.Kind() {
	case reflect.String:
		d.leaf(n, v, name, "a string")
	case reflect.Bool:
		d.leaf(n, v, name, "true or false")
	case reflect.Interface:
		d.leaf(n, v, name, "another value")
	default:
		if n.ShortTag() != "!!int" { // the library would cut 1.5 to 1
			d.problem(n.Line, "%s: a whole number is expected", name)
			return
		}
		d.leaf(n, v, name, "a whole number")
	}
	if f.enum != nil && !slices.Contains(f.enum, v.String()) {
		d.problem(n.Line, "%s: unknown value%s", name, Suggestion(v.String(), f.enum))
	}
}

// leaf leaves a value to the library. Its error would show the value.
func (d *decoder) leaf(n *yaml.Node, v reflect.Value, name, expected string) {
	if n.Decode(v.Addr().Interface()) != nil {
		d.problem(n.Line, "%s: %s is expected", name, expected)
	}
}
