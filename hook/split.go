package hook

import (
	"errors"
	"fmt"
	"strings"
)

// operators mean something to a shell, and nothing without one: a command that
// has them unquoted would not do what it says.
const operators = "|&;<>()$`"

// Split splits a line into the words of a command, by the quoting rules of
// POSIX shells. What only a shell can do is an error.
func Split(line string) ([]string, error) {
	s := splitter{rest: line}
	for s.rest != "" {
		if err := s.step(); err != nil {
			return nil, err
		}
	}
	s.end()
	if len(s.words) == 0 || s.words[0] == "" {
		return nil, errors.New("there is no command")
	}
	return s.words, nil
}

type splitter struct {
	rest  string
	words []string
	word  strings.Builder
	began bool // of a word, which may be empty: ''
}

// step reads one character, or one quoted part.
func (s *splitter) step() error {
	c := s.rest[0]
	s.rest = s.rest[1:]
	switch {
	case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		s.end()
		return nil
	case c == '\'':
		return s.single()
	case c == '"':
		return s.double()
	case c == '\\':
		return s.escaped("")
	case strings.IndexByte(operators, c) >= 0:
		return needsShell(c)
	}
	s.add(c)
	return nil
}

func needsShell(c byte) error {
	return fmt.Errorf("a %c means nothing without a shell: put it in single quotes, or ask for a shell with sh -c '…'", c)
}

func (s *splitter) add(c byte) {
	s.word.WriteByte(c)
	s.began = true
}

func (s *splitter) end() {
	if s.began {
		s.words = append(s.words, s.word.String())
	}
	s.word.Reset()
	s.began = false
}

func (s *splitter) single() error {
	text, rest, closed := strings.Cut(s.rest, "'")
	if !closed {
		return errors.New("a ' is never closed")
	}
	s.word.WriteString(text)
	s.rest, s.began = rest, true
	return nil
}

func (s *splitter) double() error {
	s.began = true
	for s.rest != "" {
		c := s.rest[0]
		s.rest = s.rest[1:]
		switch c {
		case '"':
			return nil
		case '\\':
			if err := s.escaped("$`\"\\"); err != nil {
				return err
			}
		case '$', '`':
			return needsShell(c)
		default:
			s.add(c)
		}
	}
	return errors.New(`a " is never closed`)
}

// escaped reads what follows a backslash, which stays before any other
// character than these; "" means all.
func (s *splitter) escaped(these string) error {
	if s.rest == "" {
		return errors.New(`a \ is the last character`)
	}
	c := s.rest[0]
	s.rest = s.rest[1:]
	if these != "" && strings.IndexByte(these, c) < 0 {
		s.add('\\')
	}
	s.add(c)
	return nil
}
