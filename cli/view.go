package cli

import (
	"fmt"
	"io"

	"certctl/issuance"
)

// view shows events as they come.
type view interface {
	Show(issuance.Event)
	Close()
}

// view chooses what to show: nothing but errors, one line a name that is
// rewritten as the work goes on, or a line for everything that happens.
func (p *Process) view(quiet bool) view {
	switch {
	case quiet:
		return silent{}
	case p.Terminal:
		return &liveView{out: p.Stderr, width: p.Width}
	}
	return plainView{p.Stderr}
}

type silent struct{}

func (silent) Show(issuance.Event) {}
func (silent) Close()              {}

// plainView writes lines, for logs and for those who read along.
type plainView struct{ out io.Writer }

func (v plainView) Show(e issuance.Event) {
	if line := plainLine(e); line != "" {
		fmt.Fprintln(v.out, line)
	}
}

// plainLine is what is said of an event on one line, "" if nothing.
func plainLine(e issuance.Event) string {
	subject, text := sentence(e)
	if text == "" {
		return ""
	}
	return subject + ": " + text
}

func (plainView) Close() {}
