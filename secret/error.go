package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
)

// Error says that a secret cannot be had, or used.
type Error struct {
	Source string // "file /etc/certctl/auth.key (certctl.yaml:12)"
	Err    error  // never with the content

	asked bool // a command that is there was asked for it
}

// Error returns the error that this secret cannot be had, or used, for a cause
// that does not show the content.
func (s Secret) Error(cause error) *Error {
	source := s.String()
	if s.origin != "" && source != "" {
		source += " (" + s.origin + ")"
	}
	asked := s.source == fromExec && !errors.Is(cause, fs.ErrNotExist) && !errors.Is(cause, fs.ErrPermission) && !errors.Is(cause, exec.ErrNotFound)
	return &Error{Source: source, Err: cause, asked: asked}
}

func (e *Error) Error() string { return fmt.Sprintf("secret %s: %v", e.Source, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Configured reports whether it is a mistake of the configuration, or of what it
// names. That a command fails may pass.
func (e *Error) Configured() bool { return !e.asked }

var (
	errEmpty = errors.New("it is empty")
	errUnset = errors.New("the environment variable is not set")
)

// Hint says what can be done about it.
func (e *Error) Hint() string {
	switch {
	case e.asked:
		return ""
	case errors.Is(e.Err, errUnset):
		return "services and cron do not have the variables of your shell: {file: PATH} is read everywhere, or Environment= sets one for a service"
	case errors.Is(e.Err, exec.ErrNotFound):
		return "name the command with its whole path: services and cron have a short $PATH"
	case errors.Is(e.Err, fs.ErrNotExist):
		return "put it there, or name another place; paths are relative to the directory of the configuration file"
	case errors.Is(e.Err, fs.ErrPermission):
		return "the user that certctl runs as has to be allowed to read it"
	}
	return ""
}
