package cli

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/urfave/cli/v2"
)

var noDelayFlag = &cli.BoolFlag{Name: "no-delay", Aliases: []string{"no-random-sleep-on-renew"}, Usage: "begin at once, also when nobody looks on"}

// holdOff waits for a while before a run that nobody looks on at, because most
// of them are started at the full hour: then the CA has all its clients at once.
// Nothing is locked, stopped or asked before.
func (p *Process) holdOff(c *cli.Context, longest time.Duration) error {
	if p.Terminal || longest == 0 || len(namesGiven(c)) > 0 || c.Bool("no-delay") || c.Bool("force") || dryRun(c) != "" {
		return nil
	}
	delay := rand.N(longest)
	p.say(c, fmt.Sprintf("waiting for %s, so that not all begin at the same time; --no-delay does not", delay.Round(time.Second)))
	return sleep(c.Context, delay)
}

// sleep waits, unless it is interrupted.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
