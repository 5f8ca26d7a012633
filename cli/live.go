package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"certctl/acme"
	"certctl/issuance"
)

// liveView keeps one line a name on a terminal, rewritten as the name goes
// through the steps. Warnings stay above the lines.
type liveView struct {
	out   io.Writer
	width func() int

	names []string          // in the order of the certificates
	state map[string]string // of each name, in words
	mark  map[string]string
	asked map[string]bool // names that the CA asks us about, and not the DNS
	drawn int             // lines on the screen that belong to us
}

// Marks in front of a name.
const (
	working = "·"
	done    = "✓"
	failed  = "✗"
)

// liveLimit is how many names get a line of their own.
const liveLimit = 20

func (v *liveView) Show(e issuance.Event) {
	switch e := e.(type) {
	case issuance.Ordered:
		for _, name := range e.Pending {
			v.set(name, working, "looking for how to prove it")
		}
	case issuance.Located:
		v.set(e.Name, working, way(e.Grant.Target))
	case issuance.Answered:
		v.answered(e)
	case issuance.Observed:
		if e.Aside {
			v.above(plainLine(e))
		}
		for _, name := range e.Names {
			v.set(name, working, fmt.Sprintf("%s: %s, %s", e.Owner.Bare(), serverName(e.Server), e.Answer))
		}
	case issuance.Began:
		v.begin(e.Step)
	case issuance.Validated:
		v.validated(e)
	case issuance.Failed:
		v.setAll(failed, "given up")
	case issuance.Warned, issuance.Asked:
		v.above(plainLine(e))
	}
	v.draw()
}

func (v *liveView) begin(s issuance.Step) {
	for _, name := range v.names {
		switch {
		case v.mark[name] != working:
		case s == issuance.Publishing && !v.asked[name]:
			v.set(name, working, "writing the record")
		case s == issuance.Validating && !v.asked[name]:
			v.set(name, working, "every server has the record; the CA looks")
		}
	}
}

func (v *liveView) answered(e issuance.Answered) {
	if v.asked == nil {
		v.asked = make(map[string]bool)
	}
	v.asked[e.Name] = true
	v.set(e.Name, working, answered(e.Answer))
}

func (v *liveView) validated(e issuance.Validated) {
	if e.Status == acme.Valid {
		v.set(e.Name, done, "validated")
		return
	}
	v.set(e.Name, failed, "the CA says "+string(e.Status))
}

func (v *liveView) set(name, mark, state string) {
	if v.state == nil {
		v.state, v.mark = make(map[string]string), make(map[string]string)
	}
	if !slices.Contains(v.names, name) {
		v.names = append(v.names, name)
	}
	v.state[name], v.mark[name] = state, mark
}

// setAll changes all names that are still being worked on.
func (v *liveView) setAll(mark, state string) {
	for _, name := range v.names {
		if v.mark[name] == working {
			v.set(name, mark, state)
		}
	}
}

// above writes a line that stays, over the lines that are rewritten.
func (v *liveView) above(line string) {
	v.erase()
	fmt.Fprintln(v.out, line)
}

// erase moves the cursor to the first of our lines and clears from there.
func (v *liveView) erase() {
	if v.drawn > 0 {
		fmt.Fprintf(v.out, "\x1b[%dA\x1b[J", v.drawn)
	}
	v.drawn = 0
}

func (v *liveView) draw() {
	var b strings.Builder
	shown := v.names[:min(len(v.names), liveLimit)]
	for _, name := range shown {
		b.WriteString(cut(fmt.Sprintf("%s %s: %s", v.mark[name], name, v.state[name]), v.width()-1) + "\n")
	}
	if rest := len(v.names) - len(shown); rest > 0 {
		fmt.Fprintf(&b, "  and %s\n", count(rest, "more name"))
	}
	v.erase()
	fmt.Fprint(v.out, b.String())
	v.drawn = strings.Count(b.String(), "\n")
}

// cut shortens a line to the width of the terminal, so that it stays one line.
func cut(line string, width int) string {
	runes := []rune(line)
	if len(runes) <= width || width < 2 {
		return line
	}
	return string(runes[:width-1]) + "…"
}
