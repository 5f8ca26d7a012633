package foreign

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// ini is a file of sections with keys, as certbot writes it (ConfigObj). The
// keys before the first section are in "".
type ini map[string]map[string]string

func readINI(path string) (ini, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, section := ini{"": {}}, ""
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			section = strings.TrimSpace(strings.Trim(line, "[]"))
			if f[section] == nil {
				f[section] = map[string]string{}
			}
		default:
			key, value, found := strings.Cut(line, "=")
			if !found {
				return nil, fmt.Errorf("%s:%d: neither a section nor KEY = VALUE", path, number)
			}
			f[section][strings.Trim(strings.TrimSpace(key), `"'`)] = unquoteINI(strings.TrimSpace(value))
		}
	}
	return f, nil
}

// unquoteINI takes quotes off a value, or a comment that follows it.
func unquoteINI(value string) string {
	for _, q := range []string{`"""`, `'''`, `"`, `'`} {
		if inner, found := strings.CutPrefix(value, q); found {
			if end := strings.LastIndex(inner, q); end >= 0 {
				return inner[:end]
			}
		}
	}
	if i := strings.Index(value, " #"); i >= 0 {
		value = strings.TrimSpace(value[:i])
	}
	return value
}

// readOptions reads a file of flags without their hyphens, as certbot takes them
// from cli.ini: with a value after =, a colon or a space, or alone. Of a file
// that is not there, there are none.
func readOptions(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	options := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if end := strings.IndexAny(line, "=: \t"); end > 0 && line[0] != '#' && line[0] != ';' {
			options[line[:end]] = unquoteINI(strings.TrimLeft(line[end:], "=: \t"))
		}
	}
	return options, nil
}
