package trace

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// style is how a piece of text looks on a terminal: the parameter of the
// escape sequence SGR (ECMA-48 §8.3.117).
type style string

const (
	plain  style = ""
	strong style = "1"
	faint  style = "2"
	bad    style = "31"
	good   style = "32"
	wary   style = "33"
	name   style = "36"
)

// span is a piece of a line.
type span struct {
	text string
	style
}

// line is a line of a tree.
type line []span

// String returns the text alone.
func (l line) String() string {
	var text strings.Builder
	for _, s := range l {
		text.WriteString(s.text)
	}
	return text.String()
}

// write writes a line, cut to the width unless that is 0.
func (l line) write(w io.Writer, width int, colour bool) error {
	left := utf8.RuneCountInString(l.String())
	if width > 0 && left > width {
		l = l.cut(width)
	}
	for _, s := range l {
		if s.style == plain || !colour {
			if _, err := io.WriteString(w, s.text); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintf(w, "\x1b[%sm%s\x1b[0m", s.style, s.text); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// cut shortens a line, with an ellipsis as its last character.
func (l line) cut(width int) line {
	var short line
	left := width - 1
	for _, s := range l {
		runes := []rune(s.text)
		if len(runes) > left {
			return append(short, span{string(runes[:left]) + "…", s.style})
		}
		left -= len(runes)
		short = append(short, s)
	}
	return short
}

// wrapped returns a text behind a mark, on as many lines as the width takes.
func wrapped(mark span, text string, width int) []line {
	var lines []line
	indent := utf8.RuneCountInString(mark.text)
	row := ""
	for word := range strings.FieldsSeq(text) {
		full := indent+utf8.RuneCountInString(row)+1+utf8.RuneCountInString(word) > width
		if row != "" && width > 0 && full {
			lines = append(lines, line{mark, {row, plain}})
			mark, row = span{strings.Repeat(" ", indent), plain}, ""
		}
		if row != "" {
			row += " "
		}
		row += word
	}
	return append(lines, line{mark, {row, plain}})
}
