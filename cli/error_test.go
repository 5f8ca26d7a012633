package cli_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"certctl/cli"
)

// hinted is an error with a hint.
type hinted struct {
	hint string
	err  error
}

func (e *hinted) Error() string { return "it failed" }
func (e *hinted) Hint() string  { return e.hint }
func (e *hinted) Unwrap() error { return e.err }

// An error in a chain has one hint, that of who knows most; joined errors have
// theirs.
func TestHints(t *testing.T) {
	inner := &hinted{"compare url:", nil}
	outer := &hinted{"is the zone served by this account?", inner}
	for name, test := range map[string]struct {
		err  error
		want []string
	}{
		"none":           {errors.New("it failed"), nil},
		"nothing":        {nil, nil},
		"the outer one":  {fmt.Errorf("zone: %w", outer), []string{outer.hint}},
		"the inner one":  {&hinted{"", fmt.Errorf("zone: %w", inner)}, []string{inner.hint}},
		"of each":        {errors.Join(outer, inner), []string{outer.hint, inner.hint}},
		"the same once":  {errors.Join(outer, &hinted{outer.hint, nil}), []string{outer.hint}},
		"joined, inside": {&hinted{"", errors.Join(errors.New("x"), inner)}, []string{inner.hint}},
	} {
		if diff := cmp.Diff(test.want, cli.Hints(test.err)); diff != "" {
			t.Errorf("%s: hints (-want +got):\n%s", name, diff)
		}
	}
}
