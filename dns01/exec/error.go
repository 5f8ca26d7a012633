package exec

import (
	"errors"
	"fmt"
	"io/fs"
	osexec "os/exec"
	"time"

	"certctl/delegation"
)

// OwnerError says that an owner name cannot be said in a dialect.
type OwnerError struct {
	Style string
	Owner delegation.Name
}

func (e *OwnerError) Error() string {
	return fmt.Sprintf("a hook in the style of %s puts _acme-challenge. before a domain by itself, and cannot be told to write at %s", e.Style, e.Owner)
}

// Hint says what to do.
func (e *OwnerError) Hint() string {
	return fmt.Sprintf("let the alias lead to _acme-challenge.%s, or change the hook to take the owner name from $CERTCTL_FQDN or from its arguments, with style: certctl, lego or acme.sh", e.Owner.Bare())
}

// CommandError says that a command has failed.
type CommandError struct {
	Command string        // the program, and the words that came from us
	Err     error         // *os/exec.ExitError if it ran to its end
	Said    string        // the end of what it wrote, shortened and without secrets
	Timeout time.Duration // if that has passed
}

func (e *CommandError) Error() string {
	text := fmt.Sprintf("command %s: %v", e.Command, e.Err)
	if e.Timeout > 0 {
		text = fmt.Sprintf("command %s: not done after %v", e.Command, e.Timeout)
	}
	if e.Said != "" {
		text += ": " + e.Said
	}
	return text
}

func (e *CommandError) Unwrap() error { return e.Err }

// Hint says where to look.
func (e *CommandError) Hint() string {
	switch {
	case e.Timeout > 0:
		return "where it needs so long, set timeout: to more; it need not wait for the DNS, certctl does that"
	case errors.Is(e.Err, fs.ErrPermission):
		return "make it executable: chmod +x"
	case errors.Is(e.Err, osexec.ErrNotFound), errors.Is(e.Err, fs.ErrNotExist):
		return "a program without a slash is looked up in $PATH, another path is relative to the configuration file; a script's first line must name a program that exists"
	}
	return "the command runs with few variables of the environment: what it needs beside PATH and HOME belongs under environment:"
}
