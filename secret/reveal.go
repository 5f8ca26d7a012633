package secret

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	maxSize     = 64 << 10         // longer ones are not secrets but mistakes
	execTimeout = 30 * time.Second // a command may ask a vault over the network
)

// Reveal reads the secret. Final line ends are trimmed from what files and
// commands give. A secret that turns out empty is an error. The error is an
// *Error: it says what could not be read, never what was read.
func (s Secret) Reveal(ctx context.Context) (string, error) {
	text, err := s.read(ctx)
	if err == nil && text == "" {
		err = errEmpty
	}
	if err != nil {
		return "", s.Error(err)
	}
	return text, nil
}

func (s Secret) read(ctx context.Context) (string, error) {
	switch s.source {
	case fromConfig:
		return *s.plain, nil
	case fromFile:
		return readFile(s.place)
	case fromEnv:
		text, ok := os.LookupEnv(s.place)
		if !ok {
			return "", errUnset
		}
		return text, nil
	case fromExec:
		return s.run(ctx)
	case fromCredential:
		path, err := s.credentialPath()
		if err != nil {
			return "", err
		}
		return readFile(path)
	}
	return "", errors.New("none is configured")
}

func readFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", cause(err)
	}
	defer f.Close()
	var text capped
	if _, err := io.Copy(&text, f); err != nil {
		return "", cause(err)
	}
	return text.trimmed(), nil
}

// cause leaves out the path, which Reveal says already.
func cause(err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		return pathError.Err
	}
	return err
}

// run returns the standard output of the command, which is run without a
// shell. Its standard error is dropped, so that no secret gets into ours.
func (s Secret) run(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, execTimeout, fmt.Errorf("no answer within %v", execTimeout))
	defer cancel()
	var text capped
	cmd := exec.CommandContext(ctx, s.place, s.args...)
	cmd.Stdout = &text
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case text.full:
		return "", errTooLong
	case err != nil:
		return "", err
	}
	return text.trimmed(), nil
}

// capped is a buffer for as much as a secret may be.
type capped struct {
	text []byte
	full bool
}

var errTooLong = fmt.Errorf("it is longer than %d bytes", maxSize)

func (c *capped) Write(p []byte) (int, error) {
	if len(c.text)+len(p) > maxSize {
		c.full = true
		return 0, errTooLong
	}
	c.text = append(c.text, p...)
	return len(p), nil
}

func (c *capped) trimmed() string { return strings.TrimRight(string(c.text), "\r\n") }

// credentialPath follows systemd.exec(5), LoadCredential=.
func (s Secret) credentialPath() (string, error) {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	switch {
	case dir == "":
		return "", errors.New("$CREDENTIALS_DIRECTORY is not set: systemd sets it for units with LoadCredential=")
	case s.place != filepath.Base(s.place) || s.place == "." || s.place == "..":
		return "", errors.New("the name of a credential has no path in it")
	}
	return filepath.Join(dir, s.place), nil
}
