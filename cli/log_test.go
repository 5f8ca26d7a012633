package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"certctl/issuance"
)

func TestLineWriter(t *testing.T) {
	var lines []string
	w := &lineWriter{line: func(text string) { lines = append(lines, text) }}
	long := strings.Repeat("x", longestLine+10)
	for _, part := range []string{"a", "b\nc\r\n", "\n", long, "\nend"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Errorf("got %d, %v, want %d", n, err, len(part))
		}
	}
	w.Flush()
	w.Flush()
	want := []string{"ab", "c", "", long[:longestLine], "xxxxxxxxxx", "end"}
	if !slices.Equal(lines, want) {
		t.Errorf("got %.20q, want %.20q", lines, want)
	}
}

// The errors of several certificates are told apart, and none gets lost.
func TestFailures(t *testing.T) {
	web := &issuance.StepError{Certificate: "web", Step: issuance.Ordering, Err: errors.Join(errors.New("a"), errors.New("b"))}
	mail := &issuance.StepError{Certificate: "mail", Step: issuance.Waiting, Err: errors.New("c")}
	hooks := fmt.Errorf("hooks: post: %w", errors.New("d"))
	got := failures(errors.Join(errors.Join(&PartialError{errors.Join(web, mail)}, hooks), errors.New("e")))
	want := []string{"web: order: a\nweb: order: b", "mail: propagate: c", "hooks: post: d", "e"}
	var texts []string
	for _, err := range got {
		texts = append(texts, err.Error())
	}
	if !slices.Equal(texts, want) {
		t.Errorf("got %q, want %q", texts, want)
	}
}
