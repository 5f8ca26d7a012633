package trace

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"certctl/delegation"
)

// Drawing says how ways are drawn.
type Drawing struct {
	Width  int  // columns; 0: as many as it takes
	Colour bool // with the escape sequences of terminals
	Still  bool // without what differs each time: how long answers took
}

// Tree draws the ways as trees of zones, one below the other, each with a line
// that sums it up.
func Tree(w io.Writer, ways []*Way, d Drawing) error {
	for i, way := range ways {
		if i > 0 {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		for _, l := range way.lines(d) {
			if err := l.write(w, d.Width, d.Colour); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *Way) lines(d Drawing) []line {
	p := painter{Drawing: d, way: w}
	lines := []line{{span{w.Name, strong}}}
	lines = append(lines, p.zone(w.Zones[0]).draw()...)
	for _, text := range w.remarks() {
		lines = append(lines, wrapped(span{"! ", wary}, text, d.Width)...)
	}
	return append(lines, w.summary(d.Width)...)
}

// node is a line of the tree and what hangs from it.
type node struct {
	line
	below []node
}

// draw returns the lines of the tree.
func (n node) draw() []line {
	lines := []line{n.line}
	for i, child := range n.below {
		first, rest := "├─ ", "│  "
		if i == len(n.below)-1 {
			first, rest = "└─ ", "   "
		}
		for j, l := range child.draw() {
			stroke := rest
			if j == 0 {
				stroke = first
			}
			lines = append(lines, append(line{{stroke, faint}}, l...))
		}
	}
	return lines
}

type painter struct {
	Drawing
	way *Way
}

// zone returns a zone with what its servers say about the names in it, and
// with the zones below.
func (p painter) zone(z *Zone) node {
	n := node{line: line{{z.Apex.Bare(), name}}}
	cut := p.way.cut(z)
	if cut != nil {
		n.below = p.answers(cut.faulty())
	}
	for _, l := range z.Looks {
		switch {
		case l.Purpose == Refer:
		case l.Name == z.Apex:
			n.line = append(n.line, p.verdict(l)...)
			n.below = append(n.below, p.answers(l.Answers)...)
		default:
			subject := append(line{{l.Name.Bare(), strong}}, p.verdict(l)...)
			n.below = append(n.below, node{subject, p.answers(l.Answers)})
		}
	}
	if cut != nil {
		n.line = append(n.line, p.source(cut))
	}
	for _, child := range p.way.Zones {
		if child.Cut != nil && child.Cut.From == z.Apex {
			n.below = append(n.below, p.zone(child))
		}
	}
	return n
}

// cut returns the look in the parent that led into a zone.
func (w *Way) cut(z *Zone) *Look {
	if z.Cut == nil {
		return nil
	}
	for _, l := range w.zone(z.Cut.From).Looks {
		if l.Purpose == Refer && l.Name == z.Apex {
			return l
		}
	}
	return nil
}

// source says who refers to a zone.
func (p painter) source(l *Look) span {
	faults := len(l.faulty())
	switch {
	case len(l.Answers) == 1 && faults == 0:
		a := &l.Answers[0]
		return span{"  ← " + joined(a.who(), a.addr()) + p.took(a, "  "), faint}
	case faults > 0:
		return span{fmt.Sprintf("  ← %d of %d addresses of %s refer to it", len(l.Answers)-faults, len(l.Answers), l.Step.From.Bare()), wary}
	}
	return span{fmt.Sprintf("  ← %s of %s at %s", count(len(l.servers()), "server"), l.Step.From.Bare(), count(len(l.Answers), "address")), faint}
}

func joined(words ...string) string {
	var all []string
	for _, w := range words {
		if w != "" && (len(all) == 0 || all[len(all)-1] != w) {
			all = append(all, w)
		}
	}
	return strings.Join(all, " ")
}

// verdict says what a name in a zone is.
func (p painter) verdict(l *Look) line {
	switch {
	case l.Purpose == Place && p.way.Target.Owner != "" && p.way.Err == nil:
		return line{{"  ✓ the TXT record belongs here", good}}
	case l.Purpose == Place:
		return line{{"  ✗ the way ends here", bad}}
	case l.Purpose == Serve:
		return nil
	}
	said := line{{fmt.Sprintf("  %s → %s", l.Step.Type, l.Step.To.Bare()), plain}}
	if l.Step.Synthesised {
		said = append(said, span{"  by a wildcard", wary})
	}
	switch {
	case !p.way.last(l.Step):
	case p.way.astray().Loop:
		said = append(said, span{"  ↻ where the way has been", bad})
	default:
		said = append(said, span{"  ✗ one alias too many", bad})
	}
	return said
}

// answers returns a table, one row an answer.
func (p painter) answers(answers []Answer) []node {
	rows := make([]line, len(answers))
	var widths []int
	for i := range answers {
		rows[i] = p.row(&answers[i])
		for c, s := range rows[i] {
			if c == len(widths) {
				widths = append(widths, 0)
			}
			if answers[i].Rcode != "" || c < 2 {
				widths[c] = max(widths[c], utf8.RuneCountInString(s.text))
			}
		}
	}
	nodes := make([]node, len(rows))
	for i, row := range rows {
		for c, s := range row {
			if c < len(row)-1 && widths[c] > 0 {
				row[c].text = pad(s.text, widths[c]+2)
			}
		}
		nodes[i] = node{line: row}
	}
	return nodes
}

// pad fills a cell, so that the next one is aligned.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// row is: server, address, rcode, authority, serial, latency, remarks.
func (p painter) row(a *Answer) line {
	server := a.Server.Name.Bare()
	if server == "" {
		server = "resolver"
	}
	row := line{{server, plain}, {a.addr(), faint}}
	if a.Rcode == "" {
		if a.NoRoute() {
			return append(row, span{"not asked: this host has no route to it", faint})
		}
		return append(row, span{"✗ " + a.Fault, bad})
	}
	row = append(row, span{a.Rcode, plain}, flags(a), serial(a), span{p.took(a, ""), faint})
	if a.Fault != "" {
		return append(row, span{"✗ " + strings.TrimPrefix(a.Fault, "answered "+a.Rcode+": "), bad})
	}
	return append(row, span{strings.Join(remarks(a), ", "), faint})
}

func flags(a *Answer) span {
	switch {
	case a.Rcode != "NOERROR" && a.Rcode != "NXDOMAIN":
		return span{"", plain}
	case a.Authoritative:
		return span{"AA", plain}
	case a.Cut != "" || a.Proxied:
		return span{"--", faint}
	}
	return span{"no AA", bad}
}

func serial(a *Answer) span {
	if a.Zone == "" {
		return span{"", plain}
	}
	return span{fmt.Sprintf("serial %d", a.Serial), plain}
}

// took says how long an answer took.
func (p painter) took(a *Answer, before string) string {
	if p.Still || a.Rcode == "" {
		return ""
	}
	return before + latency(a.RTT)
}

func latency(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms < 10 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// remarks are what is worth knowing about how an answer came.
func remarks(a *Answer) []string {
	var words []string
	add := func(is bool, text string) {
		if is {
			words = append(words, text)
		}
	}
	add(a.NSID != "", "nsid "+a.NSID)
	add(a.BufferSize == 0, "no EDNS")
	add(a.BufferSize > 0, fmt.Sprintf("edns %d", a.BufferSize))
	add(a.Truncated, "truncated over UDP")
	add(!a.CaseKept, "changes the case of names")
	add(a.Recursive && !a.Proxied, "offers recursion")
	add(a.Proxied, "maybe from a cache")
	return words
}

// remarks are warnings about the whole way.
func (w *Way) remarks() []string {
	texts := w.warnings()
	if w.Target.Proxied {
		texts = append(texts, "authoritative servers cannot be asked from here: this is what recursive resolvers say")
	}
	if x := w.Target.Explicit; x != nil {
		texts = append(texts, fmt.Sprintf("a wildcard makes this alias; a record at %s in zone %s would end that", x.Owner.Bare(), x.Zone.Bare()))
	}
	return texts
}

// warnings are those of all zones, each once.
func (w *Way) warnings() []string {
	texts := slices.Clone(w.Target.Warnings)
	for _, z := range w.Zones {
		for _, text := range z.Warnings {
			if !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
	}
	return texts
}

// summary is the way in one sentence.
func (w *Way) summary(width int) []line {
	if w.Err != nil {
		return wrapped(span{"✗ ", bad}, w.Err.Error(), width)
	}
	t := w.Target
	var names []string
	for _, s := range t.Steps {
		if s.Kind == delegation.Alias {
			names = append(names, s.From.Bare())
		}
	}
	names = append(names, t.Owner.Bare())
	if t.Owner != t.Challenge && len(names) == 1 {
		names = []string{t.Challenge.Bare(), t.Owner.Bare()}
	}
	mark := span{"✗ ", bad}
	if w.Right() {
		mark = span{"✓ ", good}
	}
	return wrapped(mark, fmt.Sprintf("%s in zone %s, %s", strings.Join(names, " → "), t.Zone.Bare(), w.agreement()), width)
}

// agreement says how many servers of the owner's zone agree, and how many
// answers are wrong elsewhere.
func (w *Way) agreement() string {
	l := w.place()
	wrong := l.faulty()
	if l.Sample {
		return w.sampled(l)
	}
	text := count(len(l.servers()), "server") + " agree"
	if len(l.servers()) == 1 {
		text += "s"
	}
	if len(wrong) > 0 {
		text = fmt.Sprintf("%d of %s wrong", len(wrong), count(len(l.Answers), "answer"))
	}
	if more := len(w.Faults()) - len(wrong); more > 0 {
		text += fmt.Sprintf(", %s on the way wrong", count(more, "answer"))
	}
	return text
}

// sampled says which server has spoken for its zone, and how many answers are
// wrong.
func (w *Way) sampled(l *Look) string {
	var who []string
	for i := range l.Answers {
		who = append(who, l.Answers[i].who())
	}
	text := "as " + strings.Join(who, " and ") + " says"
	if wrong := len(w.Faults()); wrong > 0 {
		text += fmt.Sprintf(", %s on the way wrong", count(wrong, "answer"))
	}
	return text
}

func (l *Look) faulty() []Answer {
	var wrong []Answer
	for _, a := range l.Answers {
		if a.Fault != "" {
			wrong = append(wrong, a)
		}
	}
	return wrong
}

// servers returns the names of the servers that could be asked; those without
// one count by their address.
func (l *Look) servers() map[any]bool {
	seen := make(map[any]bool)
	for _, a := range l.Answers {
		switch {
		case a.NoRoute():
		case a.Server.Name == "":
			seen[a.Server.Addrs[0]] = true
		default:
			seen[a.Server.Name] = true
		}
	}
	return seen
}

func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "s"):
		return fmt.Sprintf("%d %ses", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
