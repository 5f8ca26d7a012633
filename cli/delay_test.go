package cli

import (
	"context"
	"errors"
	"flag"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urfave/cli/v2"
)

// renewing returns the context of a run of renew with flags and names.
func renewing(t *testing.T, ctx context.Context, args ...string) *cli.Context {
	t.Helper()
	set := flag.NewFlagSet("renew", flag.ContinueOnError)
	for _, f := range new(Process).renewCommand().Flags {
		if err := f.Apply(set); err != nil {
			t.Fatal(err)
		}
	}
	if err := set.Parse(args); err != nil {
		t.Fatal(err)
	}
	c := cli.NewContext(nil, set, nil)
	c.Context = ctx
	return c
}

func TestHoldOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &Process{Stderr: io.Discard}
		waits := func(p *Process, longest time.Duration, args ...string) time.Duration {
			start := time.Now()
			if err := p.holdOff(renewing(t, t.Context(), args...), longest); err != nil {
				t.Error(err)
			}
			return time.Since(start)
		}
		var sum time.Duration
		for range 100 {
			d := waits(p, 8*time.Minute, "-q")
			if d >= 8*time.Minute {
				t.Errorf("got %v, want less than 8m", d)
			}
			sum += d
		}
		if mean := sum / 100; mean < 2*time.Minute || mean > 6*time.Minute {
			t.Errorf("got %v on average, want about 4m", mean)
		}
		for _, args := range [][]string{{"--no-delay"}, {"--force"}, {"--dry-run"}, {"--dry-run=plan"}, {"web"}} {
			if d := waits(p, 8*time.Minute, args...); d != 0 {
				t.Errorf("%v: got %v, want no delay", args, d)
			}
		}
		if d := waits(p, 0); d != 0 {
			t.Errorf("none: got %v", d)
		}
		if d := waits(&Process{Stderr: io.Discard, Terminal: true}, time.Hour); d != 0 {
			t.Errorf("on a terminal: got %v", d)
		}
	})
}

func TestHoldOffInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
		defer cancel()
		start := time.Now()
		err := (&Process{Stderr: io.Discard}).holdOff(renewing(t, ctx), 12*time.Hour)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > time.Second {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
	})
}
