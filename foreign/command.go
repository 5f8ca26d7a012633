package foreign

import (
	"strings"

	"certctl/hook"
)

// Command returns a line of a hook that a shell used to run as our deploy: takes
// it: as it is, or where it needs a shell with one.
func Command(line string) string {
	if _, err := hook.Split(line); err == nil && !shellish(line) {
		return line
	}
	return "sh -c " + quote(line)
}

// commands returns a hook that may be "" as a list.
func commands(line string) []string {
	if line == "" {
		return nil
	}
	return []string{Command(line)}
}

// shellish reports whether a line means something else without a shell: it sets
// a variable, is a command of the shell's own, or has patterns in it.
func shellish(line string) bool {
	first, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	return strings.Contains(first, "=") || first == "cd" || first == "." || first == "source" || strings.ContainsAny(line, "*?[~#{!")
}

// quote puts a word in quotes if a shell needs them.
func quote(word string) string {
	if word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+,-") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// words splits a line into a command's words; with a shell where it needs one.
func words(line string) []string {
	list, err := hook.Split(Command(line))
	if err != nil {
		return []string{"sh", "-c", line}
	}
	return list
}
