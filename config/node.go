package config

import (
	"iter"

	"gopkg.in/yaml.v3"
)

// target follows aliases; the parser has resolved them.
func target(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// empty reports whether a value is as good as none.
func empty(n *yaml.Node) bool {
	switch n = target(n); n.Kind {
	case yaml.ScalarNode:
		return n.Value == "" || n.ShortTag() == "!!null"
	case yaml.SequenceNode:
		return len(n.Content) == 0
	}
	return false
}

// repeated reports keys that a mapping has twice.
func (d *decoder) repeated(n *yaml.Node) {
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := target(n.Content[i])
		if line := lines[key.Value]; line != 0 {
			d.problem(key.Line, "this key is also in line %d", line)
		}
		lines[key.Value] = key.Line
	}
}

// pairs returns the keys and values of a mapping, those of merged mappings
// (<<: *other) last and only where the mapping does not have the key itself.
func (d *decoder) pairs(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, value *yaml.Node) bool) {
		seen := map[string]bool{}
		d.merged(n, 0, func(key, value *yaml.Node) bool {
			if seen[key.Value] {
				return true
			}
			seen[key.Value] = true
			return yield(key, value)
		})
	}
}

// maxMerges is how deep merged mappings may merge others; one may merge itself.
const maxMerges = 8

func (d *decoder) merged(n *yaml.Node, depth int, yield func(key, value *yaml.Node) bool) bool {
	d.visited += len(n.Content)
	if n.Kind != yaml.MappingNode || depth > maxMerges || d.visited > maxNodes {
		return true
	}
	var others []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := target(n.Content[i]), n.Content[i+1]
		if key.ShortTag() == "!!merge" {
			others = append(others, target(value))
		} else if !yield(key, value) {
			return false
		}
	}
	for _, other := range others {
		if other.Kind == yaml.SequenceNode {
			for _, element := range other.Content {
				if !d.merged(target(element), depth+1, yield) {
					return false
				}
			}
		} else if !d.merged(other, depth+1, yield) {
			return false
		}
	}
	return true
}
