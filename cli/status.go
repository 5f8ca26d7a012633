package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"certctl/store"
)

// StatusError says that a certificate needs somebody to look. What it is has
// been printed.
type StatusError struct{ Count int }

func (e *StatusError) Error() string { return count(e.Count, "certificate") + " to look at" }

func (p *Process) statusCommand() *cli.Command {
	return &cli.Command{
		Name:  "status",
		Usage: "say which certificates need somebody to look, for monitoring: exit code 1 if there are any",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "warn", Usage: "look at certificates that end within `TIME`, like 14d or 36h; default: a sixth of their lifetime"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print nothing when all is well"},
		},
		Action: p.status,
	}
}

func (p *Process) status(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	warn, err := parseDays(c.String("warn"))
	if err != nil {
		return usagef("certctl status --warn 14d", "--warn %s: %w", c.String("warn"), err)
	}
	r, err := p.open(c)
	if err != nil {
		return err
	}
	kept, err := r.store.Requests()
	if err != nil {
		return err
	}
	bad := 0
	for _, k := range kept {
		if trouble := trouble(k, warn, time.Now()); trouble != "" {
			fmt.Fprintf(p.Stdout, "%s: %s\n", k.Name, trouble)
			bad++
		}
	}
	if bad > 0 {
		return &StatusError{bad}
	}
	if !c.Bool("quiet") {
		fmt.Fprintln(p.Stdout, allWell(kept))
	}
	return nil
}

// trouble says what is wrong with a certificate, "" if nothing. A warn of zero
// means a sixth of its lifetime.
func trouble(k *store.Request, warn time.Duration, now time.Time) string {
	var words []string
	switch {
	case k.Issued == nil:
		words = append(words, "there is no certificate yet")
	case !now.Before(k.Issued.NotAfter):
		words = append(words, "it ended on "+day(k.Issued.NotAfter))
	default:
		if warn == 0 {
			warn = k.Issued.NotAfter.Sub(k.Issued.NotBefore) / 6
		}
		if k.Issued.NotAfter.Sub(now) < warn {
			words = append(words, "it ends on "+day(k.Issued.NotAfter))
		}
	}
	if k.Failure != nil && (len(words) > 0 || k.Failure.Visit != "") {
		words = append(words, "the last error was: "+k.Failure.Error)
	}
	if k.Undeployed {
		words = append(words, "its deploy commands have failed")
	}
	return strings.Join(words, "; ")
}

func allWell(kept []*store.Request) string {
	if len(kept) == 0 {
		return "there are no certificates"
	}
	first := slices.MinFunc(kept, func(a, b *store.Request) int { return a.Issued.NotAfter.Compare(b.Issued.NotAfter) })
	return fmt.Sprintf("%s, all well; the first to end is %s, on %s", count(len(kept), "certificate"), first.Name, day(first.Issued.NotAfter))
}

// parseDays reads a duration that may be in days: 14d. Nothing is zero.
func parseDays(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if number, ok := strings.CutSuffix(text, "d"); ok {
		days, err := strconv.Atoi(number)
		if err != nil || days < 1 {
			return 0, fmt.Errorf("a number of days is expected before the d")
		}
		return time.Duration(days) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("a time is expected, like 14d or 36h")
	}
	return d, nil
}
