package foreign

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"certctl/hook"
)

// Whatever is in a file of settings, reading it ends, and no code in it becomes
// a value.
func FuzzSettings(f *testing.F) {
	for _, text := range []string{
		"A=1\nB=\"${A}/x\" # comment\nexport C='$A'\n", "A=$(id)", "A=`id`", "A=\\", "A='", "=x", "A=$", "A=${", "A=${A:-x}", "[s]\nk = \"\"\"v\"\"\"\n", "[[", "k = '",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		a := assignments{}
		if err := a.read(path); err == nil && strings.HasPrefix(text, "A=$(") && !strings.Contains(text, "\n") {
			t.Errorf("%q: got %q, want an error", text, a)
		}
		if _, err := readINI(path); err != nil && !strings.HasPrefix(err.Error(), path) {
			t.Errorf("%q: got %v, want the file's name first", text, err)
		}
		_ = encoded(text)
	})
}

// A command is one that can be run, and a quoted word stays itself.
func FuzzCommand(f *testing.F) {
	for _, line := range []string{"a b", "a && b", "it's", "'", "\"", "a\\", "$x", "\n"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.TrimSpace(line) == "" || strings.ContainsRune(line, 0) {
			return
		}
		if got, err := hook.Split(quote(line)); err != nil || len(got) != 1 || got[0] != line {
			t.Errorf("quote(%q): got %q, %v", line, got, err)
		}
		if _, err := hook.Split(Command(line)); err != nil {
			t.Errorf("Command(%q): %q: %v", line, Command(line), err)
		}
	})
}
