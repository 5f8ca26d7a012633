package cli

import (
	"fmt"
	"slices"
)

// UsageError is a mistake in the command line or the configuration.
type UsageError struct {
	Err    error
	Remedy string // may be ""
}

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// Hint says what to type instead.
func (e *UsageError) Hint() string { return e.Remedy }

// usagef returns a UsageError.
func usagef(remedy, format string, args ...any) error {
	return &UsageError{Err: fmt.Errorf(format, args...), Remedy: remedy}
}

// PartialError says that some certificates of several could not be had.
type PartialError struct{ Err error }

func (e *PartialError) Error() string { return e.Err.Error() }
func (e *PartialError) Unwrap() error { return e.Err }

// InterruptedError says that the user ended the run.
type InterruptedError struct{ Err error }

func (e *InterruptedError) Error() string { return "interrupted: " + e.Err.Error() }
func (e *InterruptedError) Unwrap() error { return e.Err }

// Hints collects the remedies of an error and of all that it wraps, each once.
func Hints(err error) []string {
	var hints []string
	add := func(more ...string) {
		for _, h := range more {
			if h != "" && !slices.Contains(hints, h) {
				hints = append(hints, h)
			}
		}
	}
	if h, ok := err.(interface{ Hint() string }); ok {
		add(h.Hint())
	}
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		add(Hints(wrapper.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, e := range wrapper.Unwrap() {
			add(Hints(e)...)
		}
	}
	return hints
}
