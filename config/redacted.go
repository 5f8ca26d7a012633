package config

import (
	"encoding"
	"reflect"
	"time"

	"gopkg.in/yaml.v3"
)

// Redacted returns the configuration as it was understood, in YAML: with
// defaults filled in, paths resolved, and for each secret where it comes from.
// Of a zone that was not decoded, the provider's own keys are left out, because
// only the provider knows which of them are secrets.
func (c *Config) Redacted() ([]byte, error) {
	return yaml.Marshal(encode(reflect.ValueOf(c).Elem()))
}

// encode is the counterpart of decoder.value. It returns nil for what was left
// out.
func encode(v reflect.Value) *yaml.Node {
	if v.IsZero() {
		return nil
	}
	switch value := v.Interface().(type) {
	case encoding.TextMarshaler:
		return encodeScalar(value)
	case time.Duration:
		return encodeScalar(value.String())
	}
	switch v.Kind() {
	case reflect.Pointer:
		return encode(v.Elem())
	case reflect.Struct:
		return encodeStruct(v)
	case reflect.Slice:
		return encodeSlice(v)
	default:
		return encodeScalar(v.Interface())
	}
}

// encodeScalar encodes a value that has no secrets inside.
func encodeScalar(value any) *yaml.Node {
	var n yaml.Node
	if err := n.Encode(value); err != nil {
		return nil
	}
	return &n
}

func encodeStruct(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range fieldsOf(v.Type()) {
		if !f.key {
			add(n, f.name, encode(v.Field(f.index)))
		}
	}
	if z, ok := v.Addr().Interface().(*Zone); ok && z.decoded != nil {
		n.Content = append(n.Content, encodeStruct(reflect.ValueOf(z.decoded).Elem()).Content...)
	}
	return n
}

func add(mapping *yaml.Node, key string, value *yaml.Node) {
	if value != nil {
		mapping.Content = append(mapping.Content, encodeScalar(key), value)
	}
}

func encodeSlice(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	key, named := keyField(v.Type().Elem())
	if named {
		n.Kind = yaml.MappingNode
	}
	for i := range v.Len() {
		element := v.Index(i)
		if named {
			add(n, element.Elem().Field(key.index).String(), encode(element))
		} else {
			n.Content = append(n.Content, encode(element))
		}
	}
	return n
}
