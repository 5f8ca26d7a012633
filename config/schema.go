package config

import (
	_ "embed"
	"encoding"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"certctl/secret"
)

//go:generate go test -run ^TestComments$ . -update

// comments are the comments of all configuration structs and their fields, in
// this package and in the providers', by their full names.
//
//go:embed comments.json
var comments []byte

// schema is a JSON Schema, or a part of one.
type schema = map[string]any

// Schema returns the JSON Schema (draft 2020-12) of the configuration file, for
// editors. providers maps each provider's word to its configuration, a struct or
// a pointer to one.
func Schema(providers map[string]any) ([]byte, error) {
	w := schemaWriter{providers: providers}
	if err := json.Unmarshal(comments, &w.comments); err != nil {
		return nil, err
	}
	root := w.structure(reflect.TypeFor[Config](), nil)
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "certctl.yaml"
	root["$defs"] = schema{"secret": secretSchema(), "duration": schema{
		"type": "string", "pattern": `^([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$`, "examples": []string{"90s", "5m"},
	}}
	return json.MarshalIndent(root, "", "  ")
}

func secretSchema() schema {
	one := func(key string, value schema) schema {
		return schema{
			"type": "object", "properties": schema{key: value},
			"required": []string{key}, "additionalProperties": false,
		}
	}
	text := schema{"type": "string", "minLength": 1}
	return schema{"oneOf": []schema{
		{"type": "string"},
		one("file", text), one("env", text), one("credential", text),
		one("exec", schema{"type": "array", "items": schema{"type": "string"}, "minItems": 1}),
	}}
}

type schemaWriter struct {
	comments  map[string]string
	providers map[string]any
}

// value returns the schema for values of a type.
func (w schemaWriter) value(t reflect.Type) schema {
	switch t {
	case reflect.TypeFor[secret.Secret]():
		return schema{"$ref": "#/$defs/secret"}
	case reflect.TypeFor[time.Duration]():
		return schema{"$ref": "#/$defs/duration"}
	case reflect.TypeFor[Port]():
		return schema{"type": "integer", "minimum": 1, "maximum": 65535}
	case reflect.TypeFor[Rehearsal]():
		return schema{"type": []string{"boolean", "string"}}
	case reflect.TypeFor[Zone]():
		return w.zone(t)
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return schema{"type": "string"}
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[unmarshaler]()) {
		return schema{} // only the type knows
	}
	return w.kind(t)
}

func (w schemaWriter) kind(t reflect.Type) schema {
	switch t.Kind() {
	case reflect.Pointer:
		return w.value(t.Elem())
	case reflect.Struct:
		return w.structure(t, nil)
	case reflect.Slice:
		return w.slice(t.Elem())
	case reflect.Map:
		return schema{"type": "object", "additionalProperties": w.value(t.Elem())}
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.String:
		return schema{"type": "string"}
	default:
		return schema{"type": "integer"}
	}
}

// slice returns the schema for a list: as a mapping where its elements have
// names, else also for a single element.
func (w schemaWriter) slice(element reflect.Type) schema {
	s := w.value(element)
	if _, named := keyField(element); named {
		return schema{"type": "object", "additionalProperties": s}
	}
	return schema{"anyOf": []schema{s, {"type": "array", "items": s}}}
}

// structure returns the schema for a struct and, in the same object, more.
func (w schemaWriter) structure(t reflect.Type, more reflect.Type) schema {
	properties, required := schema{}, []string{}
	for _, t := range []reflect.Type{t, more} {
		if t == nil {
			continue
		}
		for _, f := range fieldsOf(t) {
			if f.key {
				continue
			}
			properties[f.name] = w.field(t, f)
			if f.required {
				required = append(required, f.name)
			}
		}
	}
	s := schema{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return w.describe(s, typeName(t))
}

func (w schemaWriter) field(t reflect.Type, f field) schema {
	s := w.value(t.Field(f.index).Type)
	if f.enum != nil {
		s["enum"] = f.enum
	}
	if f.examples != nil {
		s["examples"] = f.examples
	}
	if f.fallback != "" {
		s["default"] = f.fallback
		if number, err := strconv.Atoi(f.fallback); err == nil {
			s["default"] = number
		}
	}
	name := t.Field(f.index).Name
	w.describe(s, typeName(t)+"."+name)
	if text, ok := s["description"].(string); ok {
		s["description"] = strings.Replace(text, name, f.name, 1) // the user knows the key, not the field
	}
	return s
}

func typeName(t reflect.Type) string { return t.PkgPath() + "." + t.Name() }

func (w schemaWriter) describe(s schema, name string) schema {
	if text := w.comments[name]; text != "" {
		s["description"] = text
	}
	return s
}

// zone returns the schema for a zone: which keys it may have, beside those of
// all zones, depends on the provider.
func (w schemaWriter) zone(t reflect.Type) schema {
	words := slices.Sorted(maps.Keys(w.providers))
	var cases []schema
	for _, word := range words {
		own := reflect.TypeOf(w.providers[word])
		if own.Kind() == reflect.Pointer {
			own = own.Elem()
		}
		cases = append(cases, schema{
			"if":   schema{"properties": schema{"provider": schema{"const": word}}, "required": []string{"provider"}},
			"then": w.structure(t, own),
		})
	}
	s := w.describe(schema{"type": "object", "required": []string{"provider"}}, typeName(t))
	s["properties"] = schema{"provider": schema{"enum": words}}
	if len(cases) > 0 {
		s["allOf"] = cases
	}
	return s
}
