package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test be its own second process: one that takes the lock,
// says so, and holds it until its standard input ends or it is killed.
func TestMain(m *testing.M) {
	dir := os.Getenv("CERTCTL_TEST_LOCK")
	if dir == "" {
		os.Exit(m.Run())
	}
	s, err := Open(dir)
	if err != nil {
		panic(err)
	}
	s.Command = "renew"
	unlock, err := s.Lock(context.Background(), true, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println("locked")
	io.Copy(io.Discard, os.Stdin)
	unlock()
}

// holder starts the second process and returns when it has the lock.
func holder(t *testing.T, dir string) (cmd *exec.Cmd, end func()) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "CERTCTL_TEST_LOCK="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "locked\n" {
		t.Fatalf("got %q, %v from the other process", line, err)
	}
	return cmd, func() { in.Close() }
}

func TestLockNoWait(t *testing.T) {
	dir := t.TempDir()
	cmd, _ := holder(t, dir)
	_, err := open(t, dir).Lock(t.Context(), false, nil)
	var locked *LockedError
	if !errors.As(err, &locked) || locked.Holder.PID != cmd.Process.Pid || locked.Hint() == "" {
		t.Fatalf("got %v, want a *LockedError with pid %d", err, cmd.Process.Pid)
	}
	for _, want := range []string{dir, " renew (pid ", " since "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to contain %q", err, want)
		}
	}
}

func TestLockWaits(t *testing.T) {
	for name, release := range map[string]func(*exec.Cmd, func()){
		"unlocked":    func(_ *exec.Cmd, end func()) { end() },
		"dead holder": func(cmd *exec.Cmd, _ func()) { cmd.Process.Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cmd, end := holder(t, dir)
			var told []string
			unlock, err := open(t, dir).Lock(t.Context(), true, func(holder string) {
				told = append(told, holder)
				release(cmd, end)
			})
			must(t, err)
			defer unlock()
			if len(told) != 1 || !strings.Contains(told[0], fmt.Sprintf("pid %d", cmd.Process.Pid)) {
				t.Errorf("was told %q, want once, with pid %d", told, cmd.Process.Pid)
			}
		})
	}
}

func TestLockAgain(t *testing.T) {
	s := open(t, t.TempDir())
	for range 3 {
		unlock, err := s.Lock(t.Context(), false, nil)
		must(t, err)
		if _, err := s.Lock(t.Context(), false, nil); err == nil {
			t.Error("got the lock twice at once")
		}
		unlock()
	}
}

func TestLockStopsWithContext(t *testing.T) {
	s := open(t, t.TempDir())
	unlock, err := s.Lock(t.Context(), false, nil)
	must(t, err)
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := s.Lock(ctx, true, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestLockWithUnreadableHolder(t *testing.T) {
	s := open(t, t.TempDir())
	unlock, err := s.Lock(t.Context(), false, nil)
	must(t, err)
	defer unlock()
	must(t, os.WriteFile(s.path("lock"), []byte(`{"pid": "x`), 0o600))
	if _, err := s.Lock(t.Context(), false, nil); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("got %v, want a word on another process", err)
	}
}
