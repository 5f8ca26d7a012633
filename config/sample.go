package config

import (
	"cmp"
	"reflect"

	"gopkg.in/yaml.v3"

	"certctl/secret"
)

// Sample returns an entry of zones: for a provider, with something in the place
// of every key that its configuration, a struct, must have: secrets are in files
// beside this one, named for the scope. What is written in CAPITALS is still to
// be filled in.
func Sample(scope, provider string, configuration any) Entry {
	entry := &yaml.Node{Kind: yaml.MappingNode}
	add(entry, "provider", encodeScalar(provider))
	t := reflect.TypeOf(configuration)
	for _, f := range fieldsOf(t) {
		if f.required {
			add(entry, f.name, sample(scope, f.name, t.Field(f.index).Type))
		}
	}
	return Entry{Section: "zones", Keys: []string{scope}, Value: entry}
}

func sample(scope, name string, t reflect.Type) *yaml.Node {
	switch {
	case t == reflect.TypeFor[secret.Secret]():
		return inFile(scope + "." + name)
	case t.Kind() == reflect.Struct: // a key that is a file of its own
		return inFile(scope + ".key")
	}
	words := map[string]string{"url": "https://HOST", "name": "HOST", "listen": "ADDRESS", "command": "./SCRIPT"}
	return encodeScalar(cmp.Or(words[name], "VALUE"))
}

// inFile is {file: NAME}, on one line.
func inFile(name string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	add(n, "file", encodeScalar(name))
	return n
}
