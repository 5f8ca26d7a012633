package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"certctl/acme"
	"certctl/config"
	"certctl/delegation"
	"certctl/issuance"
	"certctl/trace"
)

// fewNames is how many names are looked up at every server: that is two or more
// queries for each name and server, and nobody reads so many trees.
const fewNames = 10

func (p *Process) traceCommand() *cli.Command {
	return &cli.Command{
		Name:      "trace",
		Usage:     "show the way that a CA takes to the validation record of a name",
		ArgsUsage: "NAME…",
		UsageText: `certctl trace example.com '*.example.org'
certctl trace --watch example.com         until the delegation is right
certctl trace --format dot example.com | dot -Tsvg`,
		Description: "Needs no configuration and no credentials: of a configuration only the section\n" +
			"resolver is used. Ends with exit code 5 if a server contradicts another, or the\n" +
			"way has no end.",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "resolver", Usage: "ask the recursive resolver at `ADDR[:PORT]`, tls://HOST or https://HOST/PATH for the root's servers and the addresses of name servers; repeat for more"},
			&cli.IntFlag{Name: "port", DefaultText: "53", Usage: "`PORT` of authoritative servers; only a lab needs another"},
			&cli.StringSliceFlag{Name: "follow", Usage: "`DOMAIN=HOW`: whether to follow an alias at its _acme-challenge: auto, never, or the name to write at"},
			&cli.StringFlag{Name: "format", Value: "tree", Usage: "`FORMAT` to draw in: tree, mermaid, dot"},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON document"},
			&cli.BoolFlag{Name: "all-servers", Usage: fmt.Sprintf("ask every server of a zone for every name in it, also where there are more than %d names", fewNames)},
			&cli.BoolFlag{Name: "watch", Usage: "look again until the delegation is right"},
			&cli.DurationFlag{Name: "interval", Value: 10 * time.Second, Usage: "`TIME` between looks with --watch"},
		},
		Action: p.trace,
	}
}

func (p *Process) trace(c *cli.Context) error {
	if slices.ContainsFunc(c.Args().Slice(), isFlag) {
		return p.flagsFirst(c)
	}
	t, err := p.tracer(c)
	if err != nil {
		return err
	}
	if c.Bool("watch") {
		return t.watch(c.Context, c.Duration("interval"))
	}
	ways := t.look(c.Context)
	if err := c.Context.Err(); err != nil {
		return err
	}
	if t.sample {
		p.say(c, fmt.Sprintf("%d names: one server of a zone is asked for a name, and all are asked for the zone; --all-servers asks all for all", len(ways)))
	}
	if err := t.draw(p.Stdout, ways, t.drawing); err != nil {
		return err
	}
	return notRight(ways)
}

func isFlag(word string) bool { return strings.HasPrefix(word, "-") }

// flagsFirst runs the command again with its flags before its arguments, which
// is where the flag parser wants them. People put them behind names, too.
func (p *Process) flagsFirst(c *cli.Context) error {
	takesNone := make(map[string]bool)
	for _, f := range c.Command.Flags {
		if _, ok := f.(*cli.BoolFlag); ok {
			for _, name := range f.Names() {
				takesNone[name] = true
			}
		}
	}
	var flags, names []string
	args := c.Args().Slice()
	for i := 0; i < len(args); i++ {
		word := args[i]
		if !isFlag(word) {
			names = append(names, word)
			continue
		}
		flags = append(flags, word)
		if i+1 < len(args) && !strings.Contains(word, "=") && !takesNone[strings.TrimLeft(word, "-")] {
			i++
			flags = append(flags, args[i])
		}
	}
	again := *p
	again.Args = slices.Concat(p.Args[:len(p.Args)-len(args)], flags, names)
	return again.app().RunContext(c.Context, again.Args)
}

// tracer is what trace works with.
type tracer struct {
	options delegation.Options
	queries []trace.Query
	sample  bool // one server of a zone speaks for a name
	draw    func(io.Writer, []*trace.Way, trace.Drawing) error
	drawing trace.Drawing
	out     io.Writer
	redraw  bool // out is a terminal
}

func (p *Process) tracer(c *cli.Context) (*tracer, error) {
	t := &tracer{out: p.Stdout}
	queries, err := parseQueries(c)
	if err != nil {
		return nil, err
	}
	t.queries = queries
	t.sample = len(queries) > fewNames && !c.Bool("all-servers") && !c.Bool("watch")
	if t.draw, err = format(c); err != nil {
		return nil, err
	}
	if d := c.Duration("interval"); d <= 0 {
		return nil, usagef("", "--interval %s: a time is expected, like 10s", d)
	}
	settings, err := p.resolverSettings(c)
	if err != nil {
		return nil, err
	}
	if t.options, err = p.asking(c, settings); err != nil {
		return nil, err
	}
	t.options.Client.NSID = true
	t.drawing, t.redraw = p.canvas()
	return t, nil
}

// canvas says what stdout is like.
func (p *Process) canvas() (d trace.Drawing, terminal bool) {
	f, ok := p.Stdout.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return d, false
	}
	d.Width, _, _ = term.GetSize(int(f.Fd()))
	dumb := p.Getenv("TERM") == "dumb"
	d.Colour = !dumb && p.Getenv("NO_COLOR") == ""
	return d, !dumb
}

// format returns what draws ways as the flags say.
func format(c *cli.Context) (func(io.Writer, []*trace.Way, trace.Drawing) error, error) {
	if c.Bool("json") {
		return trace.JSON, nil
	}
	switch f := c.String("format"); f {
	case "tree":
		return trace.Tree, nil
	case "mermaid":
		return trace.Mermaid, nil
	case "dot":
		return trace.Dot, nil
	default:
		return nil, usagef("", "--format %s: tree, mermaid or dot", f)
	}
}

// parseQueries reads the names, which may be given with the labels that CAs put
// before them (_acme-challenge where there are none), and what to do with
// aliases.
func parseQueries(c *cli.Context) ([]trace.Query, error) {
	words := c.Args().Slice()
	if len(words) == 0 {
		return nil, usagef("certctl trace example.com", "no names are given")
	}
	prefixes := make([]string, len(words))
	for i, word := range words {
		prefixes[i], words[i] = cutPrefix(strings.ToLower(word))
	}
	names, err := acme.ParseDomains(words)
	if err != nil {
		return nil, &UsageError{Err: err}
	}
	follow, err := parseFollow(c.StringSlice("follow"), names)
	if err != nil {
		return nil, err
	}
	queries := make([]trace.Query, len(names))
	for i, name := range names {
		challenge, err := delegation.ValidationName(prefixes[i], name)
		if err != nil {
			return nil, &UsageError{Err: err}
		}
		how, err := issuance.ParseFollow(follow[strings.TrimPrefix(name, "*.")])
		if err != nil {
			return nil, &UsageError{Err: err}
		}
		queries[i] = trace.Query{Name: name, Challenge: challenge, Follow: how}
	}
	return queries, nil
}

// cutPrefix cuts the labels off a name that CAs put before it: those with an
// underscore, which no name in a certificate has.
func cutPrefix(word string) (prefix, name string) {
	for name = word; strings.HasPrefix(name, "_"); {
		label, rest, found := strings.Cut(name, ".")
		if !found {
			break
		}
		prefix, name = strings.TrimPrefix(prefix+"."+label, "."), rest
	}
	return first(prefix, "_acme-challenge"), name
}

// resolverSettings returns those of the configuration, if there is one, with
// those of the flags in their place.
func (p *Process) resolverSettings(c *cli.Context) (r config.Resolver, err error) {
	cfg, err := p.load(c)
	var missing *config.NotFoundError
	switch {
	case errors.As(err, &missing):
	case err != nil:
		return r, err
	default:
		r = cfg.Resolver
	}
	if words := c.StringSlice("resolver"); len(words) > 0 {
		r.Servers = make([]config.Server, len(words))
		for i, word := range words {
			if err := r.Servers[i].UnmarshalText([]byte(word)); err != nil {
				return r, usagef("", "--resolver %s: %w", word, err)
			}
		}
	}
	if c.IsSet("port") {
		if n := c.Int("port"); n < 1 || n > 65535 {
			return r, usagef("", "--port %d: a port is a number from 1 to 65535", n)
		}
		r.Port = config.Port(c.Int("port"))
	}
	return r, nil
}

// look traces all names, and remembers nothing of an earlier look.
func (t *tracer) look(ctx context.Context) []*trace.Way {
	r := delegation.NewResolver(t.options)
	if t.sample {
		return trace.Sampled(ctx, r, t.queries)
	}
	return trace.All(ctx, r, t.queries)
}

// watch looks again and again until all is right, and shows what it sees: on
// the same place of a terminal, elsewhere when something has changed.
func (t *tracer) watch(ctx context.Context, interval time.Duration) error {
	warn := t.options.Warn
	warned := make(map[string]bool)
	t.options.Warn = func(text string) {
		if !warned[text] {
			warned[text] = true
			warn(text)
		}
	}
	shown := ""
	for {
		ways := t.look(ctx)
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		if shown, err = t.show(ways, shown); err != nil {
			return err
		}
		if notRight(ways) == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(interval):
		}
	}
}

// clear moves the cursor of a terminal to the top and clears what is below.
const clear = "\x1b[H\x1b[2J"

// show draws the ways, and returns what they look like but for the times: where
// that is as it was, nothing is drawn on what is no terminal.
func (t *tracer) show(ways []*trace.Way, before string) (string, error) {
	still := t.drawing
	still.Still, still.Width, still.Colour = true, 0, false
	var now, picture bytes.Buffer
	if err := t.draw(&now, ways, still); err != nil {
		return "", err
	}
	if now.String() == before && !t.redraw {
		return before, nil
	}
	if t.redraw {
		picture.WriteString(clear)
	} else if before != "" {
		picture.WriteString("\n")
	}
	if err := t.draw(&picture, ways, t.drawing); err != nil {
		return "", err
	}
	_, err := t.out.Write(picture.Bytes())
	return now.String(), err
}

// notRight returns an error if the delegation of a name is not right. The
// picture has said why.
func notRight(ways []*trace.Way) error {
	var wrong notRightError
	for _, w := range ways {
		if err := w.Problem(); err != nil {
			wrong.names = append(wrong.names, w.Name)
			wrong.errs = append(wrong.errs, fmt.Errorf("%s: %w", w.Name, err))
		}
	}
	if wrong.names == nil {
		return nil
	}
	return &NotReadyError{&wrong}
}

// notRightError is the errors of names, which were shown with the tree.
type notRightError struct {
	names []string
	errs  []error
}

func (e *notRightError) Error() string {
	return "the delegation is not right: " + strings.Join(e.names, ", ")
}

func (e *notRightError) Unwrap() []error { return e.errs }
