package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing that is wrong in a configuration file. It reads
// "certctl.yaml:12: unknown key "servr": did you mean server?".
type Problem struct {
	File string
	Line int // 0: the file as a whole
	Err  error
}

func (p *Problem) Error() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %v", p.File, p.Err)
	}
	return fmt.Sprintf("%s:%d: %v", p.File, p.Line, p.Err)
}

func (p *Problem) Unwrap() error { return p.Err }

// joined returns all problems as one error, in the order of their lines.
func joined(problems []*Problem) error {
	slices.SortStableFunc(problems, func(a, b *Problem) int { return cmp.Compare(a.Line, b.Line) })
	var errs []error
	for _, p := range problems {
		errs = append(errs, p)
	}
	return errors.Join(errs...)
}

var (
	yamlError     = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntaxProblem takes line and cause out of what the YAML library says. The
// name of an anchor is left out: an unquoted secret with a star is one to it.
func syntaxProblem(file string, text []byte, err error) *Problem {
	line, cause := 1, "this is not YAML"
	if match := yamlError.FindStringSubmatch(err.Error()); match != nil {
		cause = match[2]
		if n, err := strconv.Atoi(match[1]); err == nil {
			line = n
		}
	}
	if match := unknownAnchor.FindStringSubmatch(cause); match != nil {
		before, _, _ := bytes.Cut(text, []byte("*"+match[1]))
		line = 1 + bytes.Count(before, []byte("\n"))
		cause = "an unquoted value that starts with * refers to an anchor, and there is none of this name"
	}
	return &Problem{file, line, errors.New(cause)}
}

// Suggestion returns ": did you mean x?" when a word is nearly one of those
// known, else the list of them.
func Suggestion(word string, known []string) string {
	if best := Nearest(word, known); best != "" {
		return fmt.Sprintf(": did you mean %s?", best)
	}
	return ": it may be " + strings.Join(known, ", ")
}

// Nearest returns the word of those known that one was perhaps meant to be, or "".
func Nearest(word string, known []string) (best string) {
	distance := 3
	for _, candidate := range known {
		if d := edits(word, candidate); d < distance && d < len(candidate) {
			best, distance = candidate, d
		}
	}
	return best
}

// edits counts the letters to insert, delete, replace or swap with their
// neighbour that make b of a.
func edits(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			rows[i][j] = min(replace, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
