package delegate

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"certctl/delegation"
	"certctl/dns01/txt"
)

// WriteTerraform writes resources of the provider hashicorp/dns, which sends
// updates (RFC 2136). It has none for CAA: those records are left as comments.
func (p *Plan) WriteTerraform(w io.Writer) error {
	t := &terraform{used: make(map[string]bool)}
	t.line("terraform {")
	t.line("  required_providers {")
	t.line("    dns = { source = \"hashicorp/dns\" }")
	t.line("  }")
	t.line("}")
	for _, g := range p.groups() {
		t.group(g)
	}
	_, err := io.WriteString(w, t.text.String())
	return err
}

type terraform struct {
	text strings.Builder
	used map[string]bool // identifiers of resources, by type
}

func (t *terraform) line(format string, args ...any) { fmt.Fprintf(&t.text, format+"\n", args...) }

// group writes the record sets of one zone. A zone that is not known becomes a
// variable.
func (t *terraform) group(g *group) {
	t.line("\n# %s", g.title())
	zone := quoted(string(g.zone))
	name := func(owner delegation.Name) string { return quoted(owner.Relative(g.zone)) }
	if g.zone == "" {
		variable := t.identifier("variable", "zone_"+g.domain)
		t.line("variable %q {", variable)
		t.line("  description = \"The zone that %s is in, with a final dot.\"", g.domain)
		t.line("  type        = string")
		t.line("}\n")
		zone = "var." + variable
		name = func(owner delegation.Name) string {
			return fmt.Sprintf("trimsuffix(%s, \".${%s}\")", quoted(string(owner)), zone)
		}
	}
	for i, set := range sets(g.records) {
		if i > 0 {
			t.line("")
		}
		t.set(set, zone, name(set[0].Owner))
	}
}

// set writes the records of one owner and type.
func (t *terraform) set(set []Record, zone, name string) {
	kind, attribute := "", ""
	switch set[0].Type {
	case "CNAME":
		kind, attribute = "dns_cname_record", "cname = "+quoted(set[0].Data)
	case "NS":
		kind, attribute = "dns_ns_record_set", "nameservers = "+list(set)
	case "A":
		kind, attribute = "dns_a_record_set", "addresses = "+list(set)
	case "TXT":
		kind, attribute = "dns_txt_record_set", "txt = "+list(plainTexts(set))
	case "AAAA":
		kind, attribute = "dns_aaaa_record_set", "addresses = "+list(set)
	default:
		t.line("# The provider has no resource for this type: add it by other means.")
		for _, r := range set {
			t.line("# %s", r)
		}
		return
	}
	key, value, _ := strings.Cut(attribute, " = ")
	width := max(len(key), len("zone"))
	t.line("resource %q %q {", kind, t.identifier(kind, set[0].Owner.Bare()))
	t.line("  %-*s = %s", width, "zone", zone)
	t.line("  %-*s = %s", width, "name", name)
	t.line("  %-*s = %s", width, key, value)
	t.line("  %-*s = %d", width, "ttl", set[0].seconds())
	t.line("}")
}

// identifier makes a name of Terraform's, which has letters, digits, hyphens and
// underscores, does not begin with a digit, and is used once.
func (t *terraform) identifier(kind, text string) string {
	id := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, strings.TrimPrefix(text, "_"))
	if id[0] >= '0' && id[0] <= '9' {
		id = "n" + id
	}
	for t.used[kind+" "+id] {
		id += "_"
	}
	t.used[kind+" "+id] = true
	return id
}

// sets gathers records into record sets, in the order of their first records.
func sets(records []Record) [][]Record {
	var sets [][]Record
	for _, r := range records {
		i := slices.IndexFunc(sets, func(s []Record) bool { return s[0].Owner == r.Owner && s[0].Type == r.Type })
		if i < 0 {
			i = len(sets)
			sets = append(sets, nil)
		}
		sets[i] = append(sets[i], r)
	}
	return sets
}

// plainTexts returns TXT records with their values as data.
func plainTexts(set []Record) []Record {
	set = slices.Clone(set)
	for i, r := range set {
		if value, err := txt.Unquote(r.Data); err == nil {
			set[i].Data = value
		}
	}
	return set
}

func list(set []Record) string {
	values := make([]string, len(set))
	for i, r := range set {
		values[i] = quoted(r.Data)
	}
	return "[" + strings.Join(values, ", ") + "]"
}

// quoted writes a text as a string of Terraform's language, in which ${ and %{
// would begin an expression: names and values come from DNS servers and CAs.
func quoted(text string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(strconv.Quote(text))
}
