//go:build unix

package hook_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"certctl/hook"
)

// A command that takes too long is ended with all that it has started, also
// what does not care about interrupts.
func TestTimeout(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	pipe, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()

	line := "sh -c '(trap \"\" INT; echo started; sleep 60) >" + path + " & trap \"exit 0\" INT; wait'"
	err = hook.Runner{Timeout: 500 * time.Millisecond}.Run(t.Context(), line, nil)
	if err == nil || !strings.HasSuffix(err.Error(), "not done after 500ms") {
		t.Errorf("got %v, want that it was not done", err)
	}
	if err := pipe.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(pipe); err != nil || string(text) != "started\n" {
		t.Errorf("got %q, %v, want that what it had started is gone", text, err)
	}
}
