package cli

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"certctl/issuance"
)

// view shows events as they come.
type view interface{ Show(issuance.Event) }

// view chooses what to show: nothing but errors, a line or a record for
// everything that happens, or on a terminal a line for each name that is rewritten as the work
// goes on.
func (p *Process) view(c *cli.Context) view {
	switch {
	case c.Bool("quiet"):
		return silent{}
	case p.log != nil:
		return logView{log: p.log, steps: c.Bool("verbose")}
	case c.Bool("verbose"):
		return plainView{out: p.Stderr, steps: true}
	case p.Terminal:
		return &liveView{out: p.Stderr, width: p.Width}
	}
	return plainView{out: p.Stderr}
}

type silent struct{}

func (silent) Show(issuance.Event) {}

// plainView writes lines, for logs and for those who read along.
type plainView struct {
	out   io.Writer
	steps bool // say when a step begins and ends, too
}

func (v plainView) Show(e issuance.Event) {
	line := plainLine(e)
	if v.steps && line == "" {
		line = stepLine(e)
	}
	if line != "" {
		fmt.Fprintln(v.out, line)
	}
}

// plainLine is what is said of an event on one line, "" if nothing.
func plainLine(e issuance.Event) string {
	subject, text := sentence(e)
	if text == "" {
		return ""
	}
	return first(subject, "certctl") + ": " + text
}

func stepLine(e issuance.Event) string {
	switch e := e.(type) {
	case issuance.Began:
		return fmt.Sprintf("certctl: %s begins", e.Step)
	case issuance.Ended:
		return fmt.Sprintf("certctl: %s took %s", e.Step, brief(e.Took))
	}
	return ""
}
