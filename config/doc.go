// Package config reads certctl.yaml.
//
// The structs are the manual: what a key means, its unit, its default and what
// it excludes is said at the field, and from there it gets into the JSON Schema
// that editors use. The file is read strictly: an unknown key, a missing one and
// a value of the wrong kind are errors with file and line, all of them at once,
// and none shows the content of a secret.
//
// Two conventions hold throughout. Where a list is expected, a single element
// may stand without brackets. Durations are written 90s, 5m or 1h30m and are
// positive.
//
// A zone's keys beyond the common ones belong to its provider: Zone.Decode reads
// them into the provider's own struct, by the same rules. What a field accepts
// is said in its tags: yaml:"name" as usual; yaml:",key" for the field that
// takes the element's name where a list is written as a mapping; required:"true";
// default:"…" for strings; enum:"a,b"; examples:"a,b" for the schema only.
package config
