package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"certctl/issuance"
)

var logFormatFlag = &cli.StringFlag{
	Name:  "log-format",
	Usage: "write what happens as `FORMAT`: text for key=value pairs, json for an object a line, plain for people; default: that of the configuration",
}

// chooseLog is done before every command.
func (p *Process) chooseLog(c *cli.Context) error {
	format := c.String("log-format")
	switch format {
	case "", "plain", "text", "json":
	default:
		return usagef("certctl --log-format json renew", "--log-format %s: it may be plain, text or json", format)
	}
	p.logAs(format)
	return nil
}

// logAs makes records of what is said from now on.
func (p *Process) logAs(format string) {
	p.log = nil
	switch format {
	case "text":
		p.log = slog.New(slog.NewTextHandler(p.Stderr, nil))
	case "json":
		p.log = slog.New(slog.NewJSONHandler(p.Stderr, nil))
	}
}

// logger returns a log for what runs for long: the chosen one, or one that
// writes lines for people.
func (p *Process) logger() *slog.Logger {
	if p.log != nil {
		return p.log
	}
	return slog.New(&plainLog{to: p.Stderr})
}

// plainLog writes "certctl: text (key value, key value)".
type plainLog struct {
	mu sync.Mutex
	to io.Writer
}

func (l *plainLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }
func (l *plainLog) WithAttrs([]slog.Attr) slog.Handler               { return l }
func (l *plainLog) WithGroup(string) slog.Handler                    { return l }

func (l *plainLog) Handle(_ context.Context, r slog.Record) error {
	var about []string
	for a := range r.Attrs {
		about = append(about, a.Key+" "+a.Value.String())
	}
	text := "certctl: "
	if r.Level >= slog.LevelWarn {
		text += strings.ToLower(r.Level.String()) + ": "
	}
	text += r.Message
	if len(about) > 0 {
		text += " (" + strings.Join(about, ", ") + ")"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := fmt.Fprintln(l.to, strings.ReplaceAll(text, "\n", "\n  "))
	return err
}

// Complain writes an error and its hints: as lines, or as a record for each
// certificate that has failed and one for the rest.
func (p *Process) Complain(err error) {
	if p.log == nil {
		writeError(p.Stderr, err)
		return
	}
	for _, one := range failures(err) {
		var about []slog.Attr
		if step, ok := errors.AsType[*issuance.StepError](one); ok {
			about = attributes("certificate", step.Certificate, "step", string(step.Step))
		}
		if hints := Hints(one); len(hints) > 0 {
			about = append(about, slog.Any("hints", hints))
		}
		p.log.LogAttrs(context.Background(), slog.LevelError, one.Error(), about...)
	}
}

// writeError is the one place where errors and hints become lines.
func writeError(w io.Writer, err error) {
	fmt.Fprintf(w, "certctl: error: %s\n", strings.ReplaceAll(err.Error(), "\n", "\n  "))
	for _, hint := range Hints(err) {
		fmt.Fprintf(w, "certctl: hint: %s\n", strings.ReplaceAll(hint, "\n", "\n  "))
	}
}

// failures takes joined errors apart, down to those of single certificates.
func failures(err error) []error {
	if _, ok := err.(*issuance.StepError); ok {
		return []error{err}
	}
	switch wrapper := err.(type) {
	case *PartialError:
		return failures(wrapper.Err)
	case interface{ Unwrap() []error }:
		var all []error
		for _, e := range wrapper.Unwrap() {
			all = append(all, failures(e)...)
		}
		return all
	}
	return []error{err}
}

// logView makes a record of every event.
type logView struct {
	log   *slog.Logger
	steps bool
}

func (v logView) Show(e issuance.Event) {
	text, about := record(e)
	level := slog.LevelInfo
	switch e.(type) {
	case issuance.Began, issuance.Ended:
		if !v.steps {
			return
		}
	case issuance.Warned:
		level = slog.LevelWarn
	}
	if text != "" {
		v.log.LogAttrs(context.Background(), level, text, about...)
	}
}

// record says what happened as a log does: the words, and what they are about.
func record(e issuance.Event) (text string, about []slog.Attr) {
	_, text = sentence(e)
	switch e := e.(type) {
	case issuance.Began:
		return "begins", attributes("step", string(e.Step))
	case issuance.Ended:
		return "ends", attributes("step", string(e.Step), "seconds", e.Took.Seconds())
	case issuance.Ordered:
		return text, attributes("certificate", e.Certificate, "order", e.URL)
	case issuance.Located:
		return text, attributes("certificate", e.Certificate, "name", e.Name, "zone", e.Grant.Target.Zone.Bare())
	case issuance.Answered:
		return text, attributes("certificate", e.Certificate, "name", e.Name, "challenge", string(e.Challenge))
	case issuance.Published:
		return text, attributes("zone", e.Records[0].Zone.Bare())
	case issuance.Observed:
		return text, attributes("owner", e.Owner.Bare(), "server", serverName(e.Server), "seconds", e.Elapsed.Seconds())
	case issuance.Validated:
		return text, attributes("certificate", e.Certificate, "name", e.Name)
	case issuance.Asked:
		return text, attributes("owner", e.Owner.Bare(), "networks", len(e.Networks))
	case issuance.Removed:
		return text, attributes("zone", e.Records[0].Zone.Bare())
	case issuance.Saved:
		leaf := e.Files.Leaf
		return "certificate issued", attributes("certificate", e.Certificate, "serial", serial(leaf), "not_after", leaf.NotAfter)
	case issuance.Warned:
		return e.Text, attributes("certificate", e.Certificate, "name", e.Name)
	}
	return text, nil
}

// attributes makes attributes of keys and values. Empty ones are left out.
func attributes(pairs ...any) []slog.Attr {
	var all []slog.Attr
	for n := 0; n < len(pairs); n += 2 {
		if pairs[n+1] != "" {
			all = append(all, slog.Any(pairs[n].(string), pairs[n+1]))
		}
	}
	return all
}

// output is where the output of commands goes: to stderr, or line by line into
// the log.
func (p *Process) output() io.Writer {
	if p.log == nil {
		return p.Stderr
	}
	return &lineWriter{line: func(text string) { p.log.Info(text, "from", "command") }}
}

// lineWriter passes on what is written to it, a line at a time.
type lineWriter struct {
	line func(string)
	rest []byte
}

// longestLine is where a line is cut in two.
const longestLine = 8 << 10

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		n := bytes.IndexByte(w.rest, '\n')
		switch {
		case 0 <= n && n <= longestLine:
			w.line(strings.TrimSuffix(string(w.rest[:n]), "\r"))
			w.rest = w.rest[n+1:]
		case len(w.rest) > longestLine:
			w.line(string(w.rest[:longestLine]))
			w.rest = w.rest[longestLine:]
		default:
			return len(p), nil
		}
	}
}

// Flush passes on a last line that has no end.
func (w *lineWriter) Flush() {
	if len(w.rest) > 0 {
		w.line(string(w.rest))
	}
	w.rest = nil
}
