package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"certctl/issuance"
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
	all, err := r.everything()
	if err != nil {
		return err
	}
	bad := 0
	for _, w := range all {
		if trouble := r.trouble(w, warn, time.Now()); trouble != "" {
			fmt.Fprintf(p.Stdout, "%s: %s\n", w.Certificate, trouble)
			bad++
		}
	}
	if bad > 0 {
		return &StatusError{bad}
	}
	if !c.Bool("quiet") {
		fmt.Fprintln(p.Stdout, allWell(all))
	}
	return nil
}

// trouble says what is wrong with a certificate, "" if nothing. A warn of zero
// means a sixth of its lifetime.
func (r *run) trouble(w *issuance.Renewal, warn time.Duration, now time.Time) string {
	k := w.Kept
	if k == nil {
		return "it was never ordered"
	}
	words := ending(k.Issued, warn, now)
	if k.Failure != nil && (len(words) > 0 || k.Failure.Visit != "") {
		words = append(words, "the last error was: "+k.Failure.Error)
	}
	switch {
	case !r.deployment(k).Pending(k):
	case k.DeployError != "":
		words = append(words, "it is not deployed: "+k.DeployError)
	default:
		words = append(words, "it is not deployed yet as the configuration says")
	}
	return strings.Join(words, "; ")
}

// ending says whether a certificate is at its end.
func ending(issued *store.Issued, warn time.Duration, now time.Time) []string {
	if issued == nil {
		return []string{"there is no certificate yet"}
	}
	if warn == 0 {
		warn = issued.NotAfter.Sub(issued.NotBefore) / 6
	}
	switch {
	case !issued.Revoked.IsZero():
		return []string{"it was revoked on " + day(issued.Revoked)}
	case !now.Before(issued.NotAfter):
		return []string{"it ended on " + day(issued.NotAfter)}
	case issued.NotAfter.Sub(now) < warn:
		return []string{"it ends on " + day(issued.NotAfter)}
	}
	return nil
}

func allWell(all []*issuance.Renewal) string {
	if len(all) == 0 {
		return "there are no certificates"
	}
	first := slices.MinFunc(all, func(a, b *issuance.Renewal) int { return a.Kept.Issued.NotAfter.Compare(b.Kept.Issued.NotAfter) })
	return fmt.Sprintf("%s, all well; the first to end is %s, on %s", count(len(all), "certificate"), first.Certificate, day(first.Kept.Issued.NotAfter))
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
