package trace

import (
	"fmt"
	"io"
	"strings"

	"certctl/delegation"
)

// graph is several ways together: what they share is there once.
type graph struct {
	vertices []*vertex
	edges    []edge
}

// vertex is a zone, or a name in one.
type vertex struct {
	zone  bool
	name  delegation.Name
	lines []string // what the servers say about a name
	place bool     // of a validation record
	wrong bool
}

// edge leads from a zone to a zone below (NS), to a name in it (""), or from an
// alias to its canonical name (CNAME, DNAME).
type edge struct {
	from, to int
	label    string
	wrong    bool
}

func newGraph(ways []*Way) *graph {
	g := new(graph)
	for _, w := range ways {
		for _, z := range w.Zones {
			g.addZone(w, z)
		}
	}
	return g
}

func (g *graph) addZone(w *Way, z *Zone) {
	at := g.vertex(true, z.Apex)
	for _, l := range z.Looks {
		if l.Purpose == Refer {
			g.connect(edge{at, g.vertex(true, l.Name), "NS", len(l.faulty()) > 0})
			continue
		}
		if l.Purpose == Serve {
			g.vertices[at].describe(w, l)
			continue
		}
		subject := g.vertex(false, l.Name)
		g.connect(edge{from: at, to: subject})
		g.vertices[subject].describe(w, l)
		if l.Purpose == Follow {
			g.connect(edge{subject, g.vertex(false, l.Step.To), l.Step.Type, w.last(l.Step)})
		}
	}
}

// vertex returns the number of a vertex; the first mention makes it.
func (g *graph) vertex(zone bool, name delegation.Name) int {
	for i, v := range g.vertices {
		if v.zone == zone && v.name == name {
			return i
		}
	}
	g.vertices = append(g.vertices, &vertex{zone: zone, name: name})
	return len(g.vertices) - 1
}

func (g *graph) connect(e edge) {
	for i := range g.edges {
		if known := &g.edges[i]; known.from == e.from && known.to == e.to && known.label == e.label {
			known.wrong = known.wrong || e.wrong
			return
		}
	}
	g.edges = append(g.edges, e)
}

// describe adds what each server says.
func (v *vertex) describe(w *Way, l *Look) {
	v.place = l.Purpose == Place && w.Target.Owner != ""
	v.wrong = l.Purpose == Place && w.Target.Owner == "" || len(l.faulty()) > 0
	v.lines = nil
	for i := range l.Answers {
		a := &l.Answers[i]
		text := a.Rcode
		switch {
		case a.Fault != "":
			text = "✗ " + a.Fault
		case a.NoRoute():
			text = "not asked"
		case a.Zone != "":
			text += fmt.Sprintf(", serial %d", a.Serial)
		}
		v.lines = append(v.lines, joined(a.who(), a.addr())+": "+text)
	}
}

// Mermaid draws the ways as one flowchart for Mermaid, which documents on many
// sites may hold.
func Mermaid(w io.Writer, ways []*Way, _ Drawing) error {
	var text strings.Builder
	text.WriteString("flowchart TD\n")
	g := newGraph(ways)
	for i, v := range g.vertices {
		open, end := `(["`, `"])`
		if v.zone {
			open, end = `["`, `"]`
		}
		fmt.Fprintf(&text, "  v%d%s%s%s%s\n", i, open, v.label("<br/>", mermaidText), end, v.class(":::"))
	}
	for _, e := range g.edges {
		switch {
		case e.label == "":
			fmt.Fprintf(&text, "  v%d -.- v%d\n", e.from, e.to)
		case e.wrong:
			fmt.Fprintf(&text, "  v%d --x|%s| v%d\n", e.from, e.label, e.to)
		default:
			fmt.Fprintf(&text, "  v%d -->|%s| v%d\n", e.from, e.label, e.to)
		}
	}
	text.WriteString("  classDef place stroke:#080,stroke-width:2px\n  classDef wrong stroke:#c00,stroke-width:2px\n")
	_, err := io.WriteString(w, text.String())
	return err
}

// mermaidText writes what has a meaning in Mermaid as entities.
func mermaidText(s string) string {
	return strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "`", "#96;", `\`, "#92;").Replace(s)
}

func (v *vertex) label(newline string, escape func(string) string) string {
	lines := []string{escape(v.name.Bare())}
	for _, l := range v.lines {
		lines = append(lines, escape(l))
	}
	return strings.Join(lines, newline)
}

func (v *vertex) class(before string) string {
	switch {
	case v.wrong:
		return before + "wrong"
	case v.place:
		return before + "place"
	}
	return ""
}

// Dot draws the ways as one graph for Graphviz.
func Dot(w io.Writer, ways []*Way, _ Drawing) error {
	var text strings.Builder
	text.WriteString("digraph delegation {\n  node [fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\"];\n")
	g := newGraph(ways)
	colours := map[string]string{"wrong": ", color=red", "place": ", color=darkgreen"}
	for i, v := range g.vertices {
		shape := "oval"
		if v.zone {
			shape = "box"
		}
		fmt.Fprintf(&text, "  v%d [label=\"%s\", shape=%s%s];\n", i, v.label(`\n`, dotText), shape, colours[v.class("")])
	}
	for _, e := range g.edges {
		style := ""
		switch {
		case e.label == "":
			style = ", style=dotted, dir=none"
		case e.wrong:
			style = ", color=red"
		}
		fmt.Fprintf(&text, "  v%d -> v%d [label=\"%s\"%s];\n", e.from, e.to, e.label, style)
	}
	text.WriteString("}\n")
	_, err := io.WriteString(w, text.String())
	return err
}

// dotText writes what has a meaning in a quoted string of the DOT language.
func dotText(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)
}
