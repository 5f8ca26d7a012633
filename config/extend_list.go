package config

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"

	"gopkg.in/yaml.v3"
)

// extendList adds elements at the end of a section that is a list of lines. Only
// an empty file gets a new one: elsewhere a default would be lost.
func extendList(text []byte, name string, entries []Entry) ([]byte, error) {
	added, err := renderList(entries)
	if err != nil {
		return nil, err
	}
	if len(text) == 0 {
		return appendSection(text, name, indented(added, 2)), nil
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	key, value := sectionOf(&document, name)
	if key == nil || value.Kind != yaml.SequenceNode || value.Style&yaml.FlowStyle != 0 || len(value.Content) == 0 {
		return nil, fmt.Errorf("%s: is not written as a list of lines", name)
	}
	dash := value.Column - 1
	lines := bytes.SplitAfter(endLine(text), []byte("\n"))
	end := endOf(lines, following(&document, key), dash)
	extended := slices.Concat(bytes.Join(lines[:end], nil), indented(added, dash), bytes.Join(lines[end:], nil))
	if !extends(extended, text, name, len(entries)) {
		return nil, fmt.Errorf("line %d: %s: where its last element ends cannot be seen", key.Line, name)
	}
	return extended, nil
}

// renderList writes the values of entries as a list.
func renderList(entries []Entry) ([]byte, error) {
	var elements []any
	for _, e := range entries {
		elements = append(elements, e.Value)
	}
	var text bytes.Buffer
	e := yaml.NewEncoder(&text)
	e.SetIndent(2)
	err := e.Encode(elements)
	return text.Bytes(), err
}

// following returns the line of the key that follows one at the top of the file,
// counted from 0; -1 for none.
func following(document, key *yaml.Node) int {
	next := -1
	for i, pairs := 0, document.Content[0].Content; i < len(pairs); i += 2 {
		if line := pairs[i].Line; line > key.Line && (next < 0 || line-1 < next) {
			next = line - 1
		}
	}
	return next
}

// endOf returns the line after the last one of a list that ends before another
// line. Blank lines and comments that are no deeper than the list belong to what
// follows.
func endOf(lines [][]byte, before, dash int) int {
	end := before
	if end < 0 {
		end = len(lines)
	}
	for end > 0 {
		line := bytes.TrimLeft(lines[end-1], " ")
		deep := len(lines[end-1])-len(line) > dash
		if blank := len(bytes.TrimSpace(line)) == 0; !blank && (line[0] != '#' || deep) {
			break
		}
		end--
	}
	return end
}

func indented(text []byte, by int) []byte {
	var out []byte
	for line := range bytes.Lines(text) {
		out = append(append(out, bytes.Repeat([]byte(" "), by)...), line...)
	}
	return out
}

// extends reports whether one text says the same as another, but for a number of
// elements more at the end of a list.
func extends(extended, text []byte, name string, more int) bool {
	var now, before map[string]any
	if yaml.Unmarshal(extended, &now) != nil || yaml.Unmarshal(text, &before) != nil {
		return false
	}
	list, ok := now[name].([]any)
	if !ok || len(list) < more {
		return false
	}
	now[name] = list[:len(list)-more]
	return reflect.DeepEqual(now, before)
}
