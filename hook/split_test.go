package hook_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"certctl/hook"
)

func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		"systemctl reload nginx":           {"systemctl", "reload", "nginx"},
		"  a\tb \n c ":                     {"a", "b", "c"},
		`a 'b c' "d e" f\ g`:               {"a", "b c", "d e", "f g"},
		`a '' ""`:                          {"a", "", ""},
		`a"b"'c'd`:                         {"abcd"},
		`a 'x | y && $z; (w)'`:             {"a", "x | y && $z; (w)"},
		`a "\$x \" \\ \a"`:                 {"a", `$x " \ \a`},
		`a \$x \| *.pem ~ #no`:             {"a", "$x", "|", "*.pem", "~", "#no"},
		"sh -c 'umask 077 && exec \"$0\"'": {"sh", "-c", `umask 077 && exec "$0"`},
	} {
		if got, err := hook.Split(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v, want %q", line, got, err, want)
		}
	}
}

func TestSplitErrors(t *testing.T) {
	for line, want := range map[string]string{
		"":              "there is no command",
		"  \n":          "there is no command",
		"'' a":          "there is no command",
		"a 'b":          "a ' is never closed",
		`a "b`:          `a " is never closed`,
		`a "b\`:         `a \ is the last character`,
		`a \`:           `a \ is the last character`,
		"a | b":         "a | means nothing without a shell",
		"a && b":        "a & means nothing",
		"a; b":          "a ; means nothing",
		"a >b":          "a > means nothing",
		"a <b":          "a < means nothing",
		"a $b":          "a $ means nothing",
		`a "$b"`:        "a $ means nothing",
		"a `b`":         "a ` means nothing",
		"a \"`b`\"":     "a ` means nothing",
		"(a)":           "a ( means nothing",
		"a 2>/dev/null": "a > means nothing",
	} {
		if _, err := hook.Split(line); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", line, err, want)
		}
	}
}

// FuzzSplit: what a shell makes the same words of, and what is refused, is
// never something else.
func FuzzSplit(f *testing.F) {
	if _, err := exec.LookPath("sh"); err != nil {
		f.Skip("there is no shell")
	}
	for _, line := range []string{"a b", `a 'b c' "d\"e" f\ g`, "a | b", `a "$x"`} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := hook.Split(line)
		if err != nil || strings.ContainsAny(line, "*?[~#!{}=\x00\n\r") || strings.HasPrefix(words[0], "-") {
			return // refused, or what shells expand
		}
		out, err := exec.Command("sh", "-c", `printf '%s\0' `+line).Output()
		if want := strings.Join(words, "\x00") + "\x00"; err != nil || string(out) != want {
			t.Errorf("%q: got %q, a shell makes %q (%v) of it", line, want, out, err)
		}
	})
}
