// Package hook runs the user's commands when a certificate is new.
//
// A command is a line that is split into words as a shell would split it, but
// run without a shell: nothing in it is expanded. Who wants a shell says so:
// sh -c '…'. It runs with a small environment, in which no secret of ours or of
// the user's is: what a command needs besides, it has to get by itself.
package hook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/mattn/go-shellwords"
)

// Timeout is how long a command may run.
const Timeout = 5 * time.Minute

// grace is how long it has to end after that, before it is killed.
const grace = 10 * time.Second

// inherited are the variables that a command gets from our own environment.
func inherited() []string {
	return []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "TEMP"}
}

// Run runs one command with further variables, NAME=value, in its environment.
// What it prints goes to out. The error names the command and its exit code.
func Run(ctx context.Context, line string, variables []string, out io.Writer) error {
	words, err := shellwords.Parse(line)
	if err != nil || len(words) == 0 {
		return fmt.Errorf("command %q: it cannot be split into words", line)
	}
	limited, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	c := exec.CommandContext(limited, words[0], words[1:]...)
	c.Env = append(environment(), variables...)
	c.Stdout, c.Stderr = out, out
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = grace
	err = c.Run()
	var ended *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("command %q: %w", line, ctx.Err())
	case limited.Err() != nil:
		return fmt.Errorf("command %q: not done after %s", line, Timeout)
	case errors.As(err, &ended):
		return fmt.Errorf("command %q: %s", line, ended.ProcessState)
	case err != nil:
		return fmt.Errorf("command %q: %w", line, err)
	}
	return nil
}

func environment() []string {
	var env []string
	for _, name := range inherited() {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
