package config

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Entry is what is to be added to a section of a configuration file.
type Entry struct {
	Section string   // its key at the top of the file: "zones"; "" for the top itself
	Keys    []string // below it, all with the same value; none: the section is a list, and gets one element more
	Value   any      // as yaml.v3 marshals it
}

// Parse reads a text as if it were the configuration file at a path. Its errors
// are those of Load.
func Parse(path string, text []byte) (*Config, error) {
	return parse(&file{path: path, dir: filepath.Dir(path)}, text)
}

// Extend returns the text of a configuration file with entries added: at the
// beginning of the section where there is one, else in a new one at the end. What
// is there stays as it is, with its comments. The error says which section is
// written in a way that lines cannot be added to.
func Extend(text []byte, entries []Entry) ([]byte, error) {
	var sections []string
	for _, e := range entries {
		if !slices.Contains(sections, e.Section) {
			sections = append(sections, e.Section)
		}
	}
	for _, name := range sections {
		var err error
		own := slices.DeleteFunc(slices.Clone(entries), func(e Entry) bool { return e.Section != name })
		if text, err = extendSection(text, name, own); err != nil {
			return nil, err
		}
	}
	return text, nil
}

func extendSection(text []byte, name string, entries []Entry) ([]byte, error) {
	if name == "" {
		added, err := render(entries, 0)
		return slices.Concat(endLine(text), added), err
	}
	if slices.ContainsFunc(entries, func(e Entry) bool { return e.Keys == nil }) {
		return extendList(text, name, entries)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	key, value := sectionOf(&document, name)
	switch {
	case len(document.Content) > 0 && !extensible(document.Content[0]):
		return nil, fmt.Errorf("the file is not written as lines of KEY: VALUE")
	case key != nil && !extensible(value):
		return nil, fmt.Errorf("line %d: %s: is not written as lines of KEY: VALUE", key.Line, name)
	}
	indent := 2
	if key != nil && len(value.Content) > 0 {
		indent = value.Content[0].Column - 1
	}
	added, err := render(entries, indent)
	if err != nil {
		return nil, err
	}
	if key == nil {
		return appendSection(text, name, added), nil
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	before := bytes.Join(lines[:key.Line], nil)
	return slices.Concat(endLine(before), added, bytes.Join(lines[key.Line:], nil)), nil
}

// sectionOf returns the key and the value of a section, nil if there is none.
func sectionOf(document *yaml.Node, name string) (key, value *yaml.Node) {
	if len(document.Content) == 0 {
		return nil, nil
	}
	pairs := document.Content[0].Content
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i].Value == name {
			return pairs[i], pairs[i+1]
		}
	}
	return nil, nil
}

// extensible reports whether lines can be added to a node: to a mapping of
// lines, or where there is nothing yet.
func extensible(n *yaml.Node) bool {
	empty := n.Kind == yaml.ScalarNode && n.Tag == "!!null" && n.Value == ""
	return empty || n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle == 0
}

func appendSection(text []byte, name string, added []byte) []byte {
	text = endLine(text)
	if len(text) > 0 {
		text = append(text, '\n')
	}
	return slices.Concat(text, []byte(name+":\n"), added)
}

// endLine ends a last line that is not ended, and makes room for more.
func endLine(text []byte) []byte {
	if len(text) > 0 && text[len(text)-1] != '\n' {
		return append(slices.Clip(text), '\n')
	}
	return slices.Clip(text)
}

// render writes entries as lines. Of several keys with one value, the first has
// it and the others refer to it.
func render(entries []Entry, indent int) ([]byte, error) {
	root := &yaml.Node{Kind: yaml.MappingNode}
	for _, e := range entries {
		value := &yaml.Node{}
		if err := value.Encode(e.Value); err != nil {
			return nil, err
		}
		if len(e.Keys) > 1 {
			value.Anchor = anchor(e.Keys[0])
		}
		for i, key := range e.Keys {
			v := value
			if i > 0 {
				v = &yaml.Node{Kind: yaml.AliasNode, Value: value.Anchor, Alias: value}
			}
			root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, v)
		}
	}
	var text bytes.Buffer
	e := yaml.NewEncoder(&text)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for line := range bytes.Lines(text.Bytes()) {
		out.WriteString(strings.Repeat(" ", indent))
		out.Write(line)
	}
	return out.Bytes(), nil
}

// anchor makes a key into a word that can be referred to.
func anchor(key string) string {
	return strings.Map(func(r rune) rune {
		if r == '.' || r == '*' || r == '_' {
			return '-'
		}
		return r
	}, strings.TrimPrefix(key, "_acme-challenge."))
}
