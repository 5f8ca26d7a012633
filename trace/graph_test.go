package trace_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"certctl/lab/authority"
	"certctl/trace"
)

// broken is a world with a healthy name, a faulty one and a loop.
func broken(s *scene) {
	cnamed(s)
	s.zone("example.org.", "_acme-challenge CNAME _acme-challenge.again\n_acme-challenge.again CNAME _acme-challenge", "ns1.example.org.")
	s.zone("org.", "", "a.tld.net.")
	s.zone("sub.example.com.", "", "ns1.example.com.", "ns2.example.org.")
	s.server("ns2.example.org.").Fault(authority.Fault{Refuse: true})
}

// picture draws three names of that world.
func picture(t *testing.T, draw func(*bytes.Buffer, []*trace.Way) error) (text string) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(broken)
		ways := s.trace(t, "example.com", "sub.example.com", "example.org")
		var b bytes.Buffer
		if err := draw(&b, ways); err != nil {
			t.Fatal(err)
		}
		text = s.anonymous(b.String())
	})
	return text
}

var still = trace.Drawing{Still: true}

func TestMermaid(t *testing.T) {
	text := picture(t, func(b *bytes.Buffer, ways []*trace.Way) error { return trace.Mermaid(b, ways, still) })
	golden(t, "broken.mermaid", text)
	forms := regexp.MustCompile(`^(flowchart TD` +
		`|  v\d+(\["[^"<>]+"\]|\(\["[^"<>]+(<br/>[^"<>]+)*"\]\))(:::(wrong|place))?` +
		`|  v\d+ (-\.-|-->\|NS\||-->\|CNAME\||--x\|CNAME\||--x\|NS\|) v\d+` +
		`|  classDef \w+ .*)$`)
	for line := range strings.Lines(text) {
		if !forms.MatchString(strings.TrimSuffix(line, "\n")) {
			t.Errorf("not in the language: %s", line)
		}
	}
}

func TestDot(t *testing.T) {
	text := picture(t, func(b *bytes.Buffer, ways []*trace.Way) error { return trace.Dot(b, ways, still) })
	golden(t, "broken.dot", text)
	quoted := `"([^"\\]|\\.)*"`
	attributes := `\[\w+=(` + quoted + `|\w+)(, \w+=(` + quoted + `|\w+))*\]`
	forms := regexp.MustCompile(`^(digraph delegation \{|  (node|edge|v\d+|v\d+ -> v\d+) ` + attributes + `;|\})$`)
	for line := range strings.Lines(text) {
		if !forms.MatchString(strings.TrimSuffix(line, "\n")) {
			t.Errorf("not in the language: %s", line)
		}
	}
}

// Names come from the DNS, where they may hold anything.
func TestGraphEscapes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(func(s *scene) {
			s.zone("example.com.", `_acme-challenge CNAME \"]<script>\\.auth`, "ns1.example.com.")
		})
		ways := s.trace(t, "example.com")
		var mermaid, dot bytes.Buffer
		if err := trace.Mermaid(&mermaid, ways, still); err != nil {
			t.Fatal(err)
		}
		if err := trace.Dot(&dot, ways, still); err != nil {
			t.Fatal(err)
		}
		if text := mermaid.String(); strings.Contains(text, "<script") || !strings.Contains(text, "#92;#quot;]#lt;script#gt;") {
			t.Errorf("mermaid: got %s", text)
		}
		if text := dot.String(); !strings.Contains(text, `label="\\\"]<script>`) {
			t.Errorf("dot: got %s", text)
		}
	})
}

func TestJSON(t *testing.T) {
	text := picture(t, func(b *bytes.Buffer, ways []*trace.Way) error { return trace.JSON(b, ways, still) })
	golden(t, "broken.json", text)
	var doc trace.Document
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	var names []string
	var right []bool
	for _, n := range doc.Names {
		names, right = append(names, n.Name), append(right, n.Right)
		if n.Right != (n.Error == "") {
			t.Errorf("%s: got right %t and error %q", n.Name, n.Right, n.Error)
		}
	}
	if want := []string{"example.com", "sub.example.com", "example.org"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	if want := []bool{true, false, false}; !slices.Equal(right, want) || doc.Right {
		t.Errorf("got %t (all: %t), want %t", right, doc.Right, want)
	}
}

// Every field of the document has a name that says what it is.
func TestJSONNames(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var visit func(reflect.Type)
	visit = func(r reflect.Type) {
		for r.Kind() == reflect.Slice || r.Kind() == reflect.Pointer {
			r = r.Elem()
		}
		if r.Kind() != reflect.Struct || seen[r] {
			return
		}
		seen[r] = true
		for i := range r.NumField() {
			tag, _, _ := strings.Cut(r.Field(i).Tag.Get("json"), ",")
			if !regexp.MustCompile(`^[a-z_]+$`).MatchString(tag) {
				t.Errorf("%s.%s has the name %q", r.Name(), r.Field(i).Name, tag)
			}
			visit(r.Field(i).Type)
		}
	}
	visit(reflect.TypeFor[trace.Document]())
}

// On a terminal no line of the tree is wider than it, and errors are told in
// full.
func TestWidth(t *testing.T) {
	for _, width := range []int{40, 60, 80, 200} {
		text := picture(t, func(b *bytes.Buffer, ways []*trace.Way) error {
			return trace.Tree(b, ways, trace.Drawing{Still: true, Width: width})
		})
		for line := range strings.Lines(text) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > width {
				t.Errorf("width %d: a line of %d: %s", width, n, line)
			}
		}
		whole := strings.Join(strings.Fields(text), " ")
		if want := "aliases form a loop: _acme-challenge.example.org. → _acme-challenge.again.example.org. → _acme-challenge.example.org."; !strings.Contains(whole, want) {
			t.Errorf("width %d: got %s, want %s", width, whole, want)
		}
	}
}

// Colours change nothing but colours.
func TestColour(t *testing.T) {
	draw := func(d trace.Drawing) string {
		return picture(t, func(b *bytes.Buffer, ways []*trace.Way) error { return trace.Tree(b, ways, d) })
	}
	for _, width := range []int{0, 50} {
		plain, coloured := draw(trace.Drawing{Still: true, Width: width}), draw(trace.Drawing{Still: true, Width: width, Colour: true})
		if strings.Contains(plain, "\x1b") || !strings.Contains(coloured, "\x1b[31m✗") {
			t.Errorf("got %q and %q", plain, coloured)
		}
		if got := regexp.MustCompile("\x1b\\[\\d+m").ReplaceAllString(coloured, ""); got != plain {
			t.Errorf("got %s without colours, want %s", got, plain)
		}
	}
}
