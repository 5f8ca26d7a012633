package foreign

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
)

// assignments are the variables that a shell would have after reading files of
// NAME=VALUE lines, as acme.sh writes and dehydrated reads them. No shell runs:
// of what one could do, they know quotes and variables set before.
type assignments map[string]string

// read reads one more file, over what was read before.
func (a assignments) read(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimPrefix(strings.TrimSpace(lines.Text()), "export ")
		name, value, found := strings.Cut(line, "=")
		if !found || line[0] == '#' || strings.Trim(name, variableLetters) != "" {
			continue // a comment, or code, which is not ours to run
		}
		text, ok := a.expand(value)
		if !ok {
			return fmt.Errorf("%s:%d: only a shell knows what %s is", path, number, name)
		}
		a[name] = text
	}
	return lines.Err()
}

const variableLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

// expand reads a value with quotes and variables.
func (a assignments) expand(value string) (text string, ok bool) {
	var out strings.Builder
	var quote byte
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case quote == 0 && (c == ' ' || c == '\t' || c == ';'):
			return out.String(), true
		case quote == c && quote != 0:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case quote == '\'':
			out.WriteByte(c)
		case c == '`' || c == '$' && strings.HasPrefix(value[i:], "$("):
			return "", false
		case c == '\\' && i+1 < len(value):
			i++
			out.WriteByte(value[i])
		case c == '$':
			name, length := variable(value[i:])
			if name == "" {
				return "", false
			}
			out.WriteString(a[name])
			i += length - 1
		default:
			out.WriteByte(c)
		}
	}
	return out.String(), quote == 0
}

// variable reads $NAME or ${NAME}, and how long that is.
func variable(text string) (name string, length int) {
	if inner, found := strings.CutPrefix(text, "${"); found {
		name, _, closed := strings.Cut(inner, "}")
		if !closed || strings.Trim(name, variableLetters) != "" {
			return "", 0
		}
		return name, len(name) + len("${}")
	}
	rest := strings.TrimLeft(text[1:], variableLetters)
	return text[1 : len(text)-len(rest)], len(text) - len(rest)
}

// encoded takes off what acme.sh wraps values in that are not plain.
func encoded(value string) string {
	inner, found := strings.CutPrefix(value, "__ACME_BASE64__START_")
	if !found {
		return value
	}
	text, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(inner, "__ACME_BASE64__END_"))
	if err != nil {
		return value
	}
	return string(text)
}
