package hook_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"certctl/hook"
)

func TestRun(t *testing.T) {
	t.Setenv("SECRET_OF_THE_USER", "hunter2")
	var out bytes.Buffer
	if err := (hook.Runner{Out: &out}).Run(t.Context(), `sh -c 'env; echo "$0 $1"' "two words" '$HOME'`, []string{"CERTCTL_NAMES=example.com"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"CERTCTL_NAMES=example.com\n", "two words $HOME\n", "PATH="} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got %q, want %q in it", out.String(), want)
		}
	}
	if strings.Contains(out.String(), "hunter2") {
		t.Error("the command sees the user's secrets")
	}
}

func TestErrors(t *testing.T) {
	for line, want := range map[string]string{
		"":                            `command "": there is no command`,
		"sh -c 'unfinished":           "a ' is never closed",
		"sh -c 'exit 3'":              `command "sh -c 'exit 3'": exit status 3`,
		"/nonexistent/program --flag": "no such file",
	} {
		if err := (hook.Runner{}).Run(t.Context(), line, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", line, err, want)
		}
	}
}

// No shell: what a shell would do does not happen.
func TestNoShell(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	var out bytes.Buffer
	if err := (hook.Runner{Out: &out}).Run(t.Context(), "echo '`id`' '>' "+file, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err == nil || !strings.Contains(out.String(), "`id`") {
		t.Errorf("got %q, want the words as they are", out.String())
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ready := filepath.Join(t.TempDir(), "ready")
	go func() {
		for {
			if _, err := os.Stat(ready); err == nil {
				cancel()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	err := (hook.Runner{}).Run(ctx, "sh -c 'sleep 60 & : >"+ready+"; wait'", nil)
	if err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("got %v, want that it was canceled", err)
	}
}

// What is too long for a variable is cut between words.
func TestList(t *testing.T) {
	if got := hook.List("A", []string{"b", "c"}); got != "A=b c" {
		t.Errorf("got %q", got)
	}
	long := make([]string, 20_000)
	for n := range long {
		long[n] = "a.example.org"
	}
	got := strings.TrimPrefix(hook.List("A", long), "A=")
	if len(got) > 100_000 || len(got) < 99_000 || strings.Trim(strings.ReplaceAll(got, "a.example.org", ""), " ") != "" {
		t.Errorf("got %d bytes, ending in %q", len(got), got[len(got)-20:])
	}
	var out bytes.Buffer
	variable := hook.List("LONG", long)
	if err := (hook.Runner{Out: &out}).Run(t.Context(), `sh -c 'echo ${#LONG}'`, []string{variable}); err != nil {
		t.Errorf("got %v of a long variable", err)
	}
}
