package exec

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"time"

	"certctl/dns01"
	"certctl/dns01/guard"
)

// grace is how long a command has to end after an interrupt before it is
// killed, and how long we listen to what a command has left running.
const grace = 5 * time.Second

// kept is how much is kept of what a command writes: the end of it.
const kept = 16 << 10

// inherited are the variables that a command gets from our own environment.
func inherited() []string {
	return []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT", "TEMP"}
}

// run runs a command and returns what it has written to its standard output.
func (p *provider) run(ctx context.Context, spoken call) (string, error) {
	limited, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	c := osexec.CommandContext(limited, spoken.words[0], spoken.words[1:]...)
	c.Env = append(append(environment(), p.added.variables...), spoken.environment...)
	c.Stdin = bytes.NewReader(spoken.input)
	var out, complaints tail
	c.Stdout, c.Stderr = &out, &complaints
	c.WaitDelay = grace
	group(c)
	err := c.Run()
	if c.Process != nil {
		dns01.Written(ctx) // as far as we know
	}
	if limited.Err() != nil {
		killGroup(c)
	}
	if err == nil || errors.Is(err, osexec.ErrWaitDelay) {
		return strings.TrimSpace(out.String()), nil // with 0, and perhaps something left running
	}
	failed := &CommandError{Command: spoken.shown(), Err: err}
	failed.Said = guard.Quote(cmp.Or(complaints.String(), out.String()), p.added.secrets...)
	switch {
	case ctx.Err() != nil:
		failed.Err = ctx.Err()
	case limited.Err() != nil:
		failed.Timeout = p.config.Timeout
	}
	return "", failed
}

// shown returns the command for errors: without arguments that the user has
// given it, which may be secrets.
func (c call) shown() string {
	words := []string{filepath.Base(c.words[0])}
	if c.words[0] == "sh" && len(c.words) > 6 && c.words[2] == source {
		words = []string{filepath.Base(c.words[len(c.words)-1]), c.words[4], c.words[5], c.words[6]}
	} else if c.own > 1 {
		words = append(words, "…")
	}
	return strings.Join(append(words, c.words[c.own:]...), " ")
}

func environment() []string {
	var environment []string
	for _, name := range inherited() {
		if value, ok := os.LookupEnv(name); ok {
			environment = append(environment, name+"="+value)
		}
	}
	return environment
}

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if over := len(t.text) - kept; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.text) }
