package config

import (
	"reflect"
	"strings"
)

// field is a field of a configuration struct, by its tags.
type field struct {
	name     string // the key in the file
	index    int
	key      bool // takes the element's name: yaml:",key"
	required bool
	fallback string   // default:"…"
	enum     []string // nil: anything
	examples []string
}

// fieldsOf returns the fields of a struct type that the file can set, in the
// order of their declaration.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = strings.ToLower(f.Name)
		}
		fields = append(fields, field{
			name: name, index: i, key: options == "key",
			required: f.Tag.Get("required") == "true",
			fallback: f.Tag.Get("default"),
			enum:     list(f.Tag.Get("enum")),
			examples: list(f.Tag.Get("examples")),
		})
	}
	return fields
}

func list(tag string) []string {
	if tag == "" {
		return nil
	}
	return strings.Split(tag, ",")
}

// keyField returns the field that takes the name of an element, where a list of
// such elements is written as a mapping.
func keyField(element reflect.Type) (field, bool) {
	if element.Kind() == reflect.Pointer {
		element = element.Elem()
	}
	if element.Kind() == reflect.Struct {
		for _, f := range fieldsOf(element) {
			if f.key {
				return f, true
			}
		}
	}
	return field{}, false
}

// keys returns the keys that a struct type has in the file.
func keys(t reflect.Type) []string {
	var names []string
	for _, f := range fieldsOf(t) {
		if !f.key {
			names = append(names, f.name)
		}
	}
	return names
}
