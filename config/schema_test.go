package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// rules is a JSON Schema as decoded, with the few keywords that ours has. It is
// no general validator: a keyword that it does not know fails the test.
type rules map[string]any

// valid reports whether a document follows the rules; root has the definitions.
func (r rules) valid(t *testing.T, root rules, document any) bool {
	t.Helper()
	sub := func(value any, document any) bool {
		t.Helper()
		return rules(value.(map[string]any)).valid(t, root, document)
	}
	count := func(value any) (n int) {
		for _, one := range value.([]any) {
			if sub(one, document) {
				n++
			}
		}
		return n
	}
	object, _ := document.(map[string]any)
	array, _ := document.([]any)
	text, isText := document.(string)
	number, isNumber := document.(float64)
	for keyword, value := range r {
		ok := true
		switch keyword {
		case "$schema", "$defs", "title", "description", "default", "examples", "then":
		case "$ref":
			name := strings.TrimPrefix(value.(string), "#/$defs/")
			ok = sub(root["$defs"].(map[string]any)[name], document)
		case "type":
			ok = typeOf(document) == value
		case "enum":
			ok = slices.Contains(value.([]any), document)
		case "const":
			ok = document == value
		case "pattern":
			ok = !isText || regexp.MustCompile(value.(string)).MatchString(text)
		case "minLength":
			ok = !isText || float64(len(text)) >= value.(float64)
		case "minimum":
			ok = !isNumber || number >= value.(float64)
		case "maximum":
			ok = !isNumber || number <= value.(float64)
		case "minItems":
			ok = array == nil || float64(len(array)) >= value.(float64)
		case "items":
			ok = !slices.ContainsFunc(array, func(element any) bool { return !sub(value, element) })
		case "required":
			for _, key := range value.([]any) {
				_, has := object[key.(string)]
				ok = ok && (object == nil || has)
			}
		case "properties":
			for key, rule := range value.(map[string]any) {
				if element, has := object[key]; has {
					ok = ok && sub(rule, element)
				}
			}
		case "additionalProperties":
			properties, _ := r["properties"].(map[string]any)
			for key, element := range object {
				if _, known := properties[key]; !known {
					ok = ok && value != false && sub(value, element)
				}
			}
		case "oneOf":
			ok = count(value) == 1
		case "anyOf":
			ok = count(value) > 0
		case "allOf":
			ok = count(value) == len(value.([]any))
		case "if":
			ok = !sub(value, document) || sub(r["then"], document)
		default:
			t.Fatalf("the schema has %q, which this test does not know", keyword)
		}
		if !ok {
			return false
		}
	}
	return true
}

func typeOf(document any) any {
	switch d := document.(type) {
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64:
		if d == float64(int64(d)) {
			return "integer"
		}
	}
	return "other"
}

type otherProvider struct {
	// URL is where the service is.
	URL string `yaml:"url" required:"true"`
}

func testSchema(t *testing.T) rules {
	t.Helper()
	text, err := Schema(map[string]any{"rfc2136": own{}, "other": &otherProvider{}})
	if err != nil {
		t.Fatal(err)
	}
	var root rules
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	return root
}

// asJSON converts YAML to what a JSON document would decode to.
func asJSON(t *testing.T, text string) (document any) {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(encoded, &document); err != nil {
		t.Fatal(err)
	}
	return document
}

// TestSchemaAgrees checks that the schema and Load accept the same documents.
func TestSchemaAgrees(t *testing.T) {
	root := testSchema(t)
	zone := "zones: {a.example: {provider: rfc2136, %s}}"
	for _, test := range []struct {
		text string
		want bool
	}{
		{full, true},
		{minimal, false}, // tsig.name is needed by this test's provider
		{"{}", true},
		{"acme: {directory: letsencrypt, email: a@example.com}", true},
		{"acme: {directory: [a]}", false},
		{"acme: {eab: {kid: k}}", false},
		{"acme: {eab: {kid: k, hmac: {exec: [pass, show]}}}", true},
		{"acme: {eab: {kid: k, hmac: {exec: pass}}}", false},
		{"acme: {eab: {kid: k, hmac: {exec: []}}}", false},
		{"acme: {eab: {kid: k, hmac: {env: A, file: b}}}", false},
		{"acme: {eab: {kid: k, hmac: {env: ''}}}", false},
		{"acme: [{email: a@example.com}]", true},
		{"unknown: {}", false},
		{"resolver: {port: 65536}", false},
		{"resolver: {port: 1.5}", false},
		{"resolver: {servers: 192.0.2.1, port: 53}", true},
		{"certificates: {web: {}}", false},
		{"certificates: {web: {domains: a.example, key: rsa-4096}}", true},
		{"certificates: {web: {domains: a.example, key: dsa}}", false},
		{"certificates: {web: {domains: a.example, follow: {a.example: never}}}", true},
		{"zones: {a.example: {}}", false},
		{"zones: {a.example: {provider: other, url: x}}", true},
		{"zones: {a.example: {provider: other, url: x, ttl: 5m, propagation: {settle: 1m30s}}}", true},
		{"zones: {a.example: {provider: other, server: x}}", false},
		{"zones: {a.example: {provider: another}}", false},
		{fmt.Sprintf(zone, "server: x"), true},
		{fmt.Sprintf(zone, "url: x"), false},
		{fmt.Sprintf(zone, "ttl: 60"), false},
		{fmt.Sprintf(zone, "ttl: soon"), false},
		{fmt.Sprintf(zone, "tsig: {name: k, secret: s}"), true},
		{fmt.Sprintf(zone, "tsig: {name: k, sceret: s}"), false},
	} {
		if got := root.valid(t, root, asJSON(t, test.text)); got != test.want {
			t.Errorf("the schema on %s: got %v, want %v", test.text, got, test.want)
		}
		if err := loadAll(t, test.text); (err == nil) != test.want {
			t.Errorf("Load of %s: got %v, want valid %v", test.text, err, test.want)
		}
	}
}

func loadAll(t *testing.T, text string) error {
	t.Helper()
	c, err := Load(write(t, text))
	if err != nil {
		return err
	}
	known := map[string]any{"rfc2136": &own{}, "other": &otherProvider{}}
	for _, z := range c.Zones {
		into, ok := known[z.Provider]
		if !ok {
			return z.UnknownProvider([]string{"other", "rfc2136"})
		}
		if err := z.Decode(into); err != nil {
			return err
		}
	}
	return nil
}

func TestSchemaDescribes(t *testing.T) {
	root := testSchema(t)
	properties := root["properties"].(map[string]any)
	for key := range properties {
		if text, _ := properties[key].(map[string]any)["description"].(string); len(text) < 20 {
			t.Errorf("%s: got the description %q, want a sentence", key, text)
		}
	}
	for _, f := range keys(reflect.TypeFor[Config]()) {
		if properties[f] == nil {
			t.Errorf("%s is not in the schema", f)
		}
	}
}

// TestDirectoriesInSchema compares the short names that editors offer with the
// ones that there are.
func TestDirectoriesInSchema(t *testing.T) {
	var names []string
	for _, d := range Directories() {
		names = append(names, d.Name)
	}
	for _, f := range fieldsOf(reflect.TypeFor[ACME]()) {
		if f.name == "directory" && !slices.Equal(f.examples, names) {
			t.Errorf("got %q, want %q", f.examples, names)
		}
	}
}
