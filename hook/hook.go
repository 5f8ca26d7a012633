package hook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// DefaultTimeout is how long a command may run if nothing else is said.
const DefaultTimeout = 5 * time.Minute

// grace is how long a command has to end after an interrupt before it is
// killed, and how long we listen to what a command has left running.
const grace = 10 * time.Second

// Runner runs commands.
type Runner struct {
	Timeout time.Duration // of one command; 0 for DefaultTimeout
	Out     io.Writer     // where its output goes; Flush is called after each command, if it has that
}

// inherited are the variables that a command gets from our own environment.
func inherited() []string {
	return []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "TEMP"}
}

// Run runs one command with further variables, NAME=value, in its environment.
// The error names the command and its exit code.
func (r Runner) Run(ctx context.Context, line string, variables []string) error {
	words, err := Split(line)
	if err != nil {
		return fmt.Errorf("command %q: %w", line, err)
	}
	timeout := r.timeout()
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err = r.run(limited, words, variables)
	var ended *exec.ExitError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("command %q: %w", line, ctx.Err())
	case limited.Err() != nil:
		return fmt.Errorf("command %q: not done after %s", line, timeout)
	case errors.As(err, &ended):
		return fmt.Errorf("command %q: %s", line, ended.ProcessState)
	}
	return fmt.Errorf("command %q: %w", line, err)
}

func (r Runner) timeout() time.Duration {
	if r.Timeout > 0 {
		return r.Timeout
	}
	return DefaultTimeout
}

func (r Runner) run(ctx context.Context, words, variables []string) error {
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	c.Env = append(environment(), variables...)
	c.Stdout, c.Stderr = r.Out, r.Out
	c.WaitDelay = grace
	group(c)
	err := c.Run()
	if f, ok := r.Out.(interface{ Flush() }); ok {
		f.Flush()
	}
	if ctx.Err() != nil {
		killGroup(c)
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		return nil // it has exited with 0, and left something running: a server
	}
	return err
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

// longest is how long the value of a variable may be. Linux allows 128 KiB for
// one, with its name.
const longest = 100_000

// List makes a variable of a list of words.
func List(name string, words []string) string {
	value := strings.Join(words, " ")
	if len(value) > longest {
		value = value[:longest+1]
		value = value[:max(0, strings.LastIndexByte(value, ' '))]
	}
	return name + "=" + value
}
