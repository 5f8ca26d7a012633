package cli

import (
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"certctl/issuance"
)

// Process is the surroundings of a run of the program, so that nothing is
// taken from globals further down.
type Process struct {
	Args   []string
	Getenv func(string) string
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer

	Terminal bool       // stderr is a terminal: show a live view
	Width    func() int // columns of that terminal

	// Unheard has a run go on when nobody reads its output any more, or its
	// terminal is gone, which ends other runs: it has begun what it has to finish.
	// May be nil.
	Unheard func()

	Watch func(issuance.Event) // also told of every event; may be nil

	log *slog.Logger // takes what is said on stderr; nil for lines
}

// SystemProcess returns the surroundings that the operating system gives.
func SystemProcess() *Process {
	fd := int(os.Stderr.Fd())
	return &Process{
		Args:     os.Args,
		Getenv:   os.Getenv,
		Stdin:    os.Stdin,
		Stdout:   os.Stdout,
		Stderr:   os.Stderr,
		Unheard:  func() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE, syscall.SIGHUP) },
		Terminal: term.IsTerminal(fd) && os.Getenv("TERM") != "dumb",
		Width: func() int {
			if width, _, err := term.GetSize(fd); err == nil {
				return width
			}
			return 80
		},
	}
}
