package cli

import (
	"fmt"
	"slices"

	"certctl/acme"
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

// NotReadyError says that the DNS is not as a certificate needs it.
type NotReadyError struct{ Err error }

func (e *NotReadyError) Error() string { return e.Err.Error() }
func (e *NotReadyError) Unwrap() error { return e.Err }

// BroadKeyError says that keys can do more than they have to.
type BroadKeyError struct{ Err error }

func (e *BroadKeyError) Error() string { return e.Err.Error() }
func (e *BroadKeyError) Unwrap() error { return e.Err }

// ProgramError says that a program that was run in the lab has failed. It has
// said itself why.
type ProgramError struct {
	Program string
	Code    int // exit code, -1 if a signal ended it
}

func (e *ProgramError) Error() string { return fmt.Sprintf("%s: exit code %d", e.Program, e.Code) }

// AccountlessError says that the records of a challenge depend on the account at
// the CA, and that there is none yet.
type AccountlessError struct {
	Challenge acme.ChallengeType
	CA        string // as it was configured
}

func (e *AccountlessError) Error() string {
	return fmt.Sprintf("the records of %s depend on the account at %s, and there is none yet", e.Challenge, e.CA)
}

// Hint says how to get one.
func (e *AccountlessError) Hint() string { return "certctl account register --agree-tos" }

// InterruptedError says that the user ended the run.
type InterruptedError struct{ Err error }

func (e *InterruptedError) Error() string { return "interrupted: " + e.Err.Error() }
func (e *InterruptedError) Unwrap() error { return e.Err }

// Hints collects the remedies of an error, each once: of a chain the outermost,
// which knows most of what was being done; of errors that are joined those of
// each.
func Hints(err error) []string {
	if h, ok := err.(interface{ Hint() string }); ok && h.Hint() != "" {
		return []string{h.Hint()}
	}
	var wrapped []error
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		wrapped = []error{wrapper.Unwrap()}
	case interface{ Unwrap() []error }:
		wrapped = wrapper.Unwrap()
	}
	var hints []string
	for _, e := range wrapped {
		for _, h := range Hints(e) {
			if !slices.Contains(hints, h) {
				hints = append(hints, h)
			}
		}
	}
	return hints
}
