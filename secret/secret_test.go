package secret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

const marked = "hunter2-in-the-clear"

// decode plays the part of the YAML library.
func decode(value any) (Secret, error) {
	var s Secret
	err := s.UnmarshalYAML(func(into any) error {
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		return json.Unmarshal(text, into)
	})
	return s, err
}

func TestUnmarshalYAML(t *testing.T) {
	type m = map[string]any
	for _, test := range []struct {
		value any
		want  string // String, or "" for an error
	}{
		{marked, "in the configuration file"},
		{m{"file": "auth.key"}, "file auth.key"},
		{m{"env": "X"}, "env X"},
		{m{"exec": []string{"pass", "show", marked}}, "exec pass"},
		{m{"credential": "auth"}, "credential auth"},
		{m{}, ""},
		{m{marked: nil}, ""},
		{m{"flie": marked}, ""},
		{m{"file": ""}, ""},
		{m{"exec": "pass " + marked}, ""},
		{m{"file": []string{"a"}}, ""},
		{m{"file": marked, "env": "X"}, ""},
		{m{"exec": []string{}}, ""},
		{m{"exec": []any{"a", 1}}, ""},
		{m{"exec": m{"a": marked}}, ""},
		{[]string{marked}, ""},
	} {
		s, err := decode(test.value)
		if got := s.String(); test.want != "" && (err != nil || got != test.want) {
			t.Errorf("%v: got %q, %v, want %q", test.value, got, err, test.want)
		}
		if test.want == "" && err == nil {
			t.Errorf("%v: got %v, want an error", test.value, s)
		}
		if err != nil && strings.Contains(err.Error(), marked) {
			t.Errorf("%v: the error shows the secret: %v", test.value, err)
		}
	}
}

func TestPlainNothingIsZero(t *testing.T) {
	if s := Plain(""); !s.IsZero() || s.String() != "" {
		t.Errorf("got %q, want the zero secret", s)
	}
}

// TestNothingShows looks at a secret in every way that Go has, on its own and
// inside other values, also in fields that fmt may not call methods of.
func TestNothingShows(t *testing.T) {
	type outer struct {
		Public  Secret
		private Secret
		Pointer *Secret
		Map     map[string]Secret
	}
	s := Plain(marked)
	o := outer{s, s, &s, map[string]Secret{"a": s}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		for _, v := range []any{s, &s, o, &o, []Secret{s}, []any{o}} {
			if got := fmt.Sprintf(verb, v); strings.Contains(got, marked) || strings.Contains(got, fmt.Sprintf("%x", marked)) {
				t.Errorf("%s of %T shows the secret: %s", verb, v, got)
			}
		}
	}
	if got := fmt.Sprintf("%v %#v %d", s, s, s); got != strings.Repeat(" in the configuration file", 3)[1:] {
		t.Errorf("got %s, want the source three times", got)
	}
	text, err := json.Marshal(o)
	if err != nil || strings.Contains(string(text), marked) || !strings.Contains(string(text), "in the configuration file") {
		t.Errorf("json: got %s, %v", text, err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "outer", o)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "outer", o)
	if strings.Contains(log.String(), marked) {
		t.Errorf("slog shows the secret: %s", &log)
	}
}

func TestReveal(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	t.Setenv("CERTCTL_TEST", marked)
	write("auth.key", marked+"\r\n")
	for _, s := range []Secret{
		Plain(marked),
		{source: fromFile, place: write("plain.key", marked)},
		{source: fromFile, place: write("two.key", marked+"\n\n")},
		{source: fromEnv, place: "CERTCTL_TEST"},
		{source: fromCredential, place: "auth.key"},
		self("print"),
	} {
		if got, err := s.Reveal(t.Context()); err != nil || got != marked {
			t.Errorf("%v: got %q, %v, want %q", s, got, err, marked)
		}
	}
}

func TestRevealErrors(t *testing.T) {
	dir := t.TempDir()
	empty, long := filepath.Join(dir, "empty"), filepath.Join(dir, "long")
	for path, size := range map[string]int{empty: 0, long: maxSize + 1} {
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	none := filepath.Join(dir, "none")
	for _, test := range []struct {
		s    Secret
		want string // within the error
	}{
		{Secret{}, "none is configured"},
		{Secret{source: fromFile, place: empty}, "secret file " + empty + ": it is empty"},
		{Secret{source: fromFile, place: long}, "longer than"},
		{Secret{source: fromFile, place: none}, "secret file " + none + ": "},
		{Secret{source: fromFile, place: dir}, "secret file " + dir + ": "},
		{Secret{source: fromEnv, place: "CERTCTL_NOT_SET"}, "secret env CERTCTL_NOT_SET: the environment variable is not set"},
		{Secret{source: fromCredential, place: "../auth"}, "no path"},
		{Secret{source: fromCredential, place: ".."}, "no path"},
		{Secret{source: fromExec, place: none}, none},
		{self("fail"), "exit status 3"},
		{self("flood"), "longer than"},
	} {
		got, err := test.s.Reveal(t.Context())
		if err == nil || got != "" || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: got %q, %v, want an error with %q", test.s, got, err, test.want)
		}
		if err != nil && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), marked) {
			t.Errorf("%v: the error shows the output: %v", test.s, err)
		}
	}
}

// TestErrorIsAMistake tells what somebody has to correct from what may pass.
func TestErrorIsAMistake(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for _, test := range []struct {
		s          Secret
		configured bool
		hint       string // within it; "" for none
	}{
		{Secret{source: fromFile, place: none}, true, "put it there"},
		{Secret{source: fromEnv, place: "CERTCTL_NOT_SET"}, true, "variables of your shell"},
		{Secret{source: fromExec, place: none}, true, "put it there"},
		{Secret{source: fromExec, place: "certctl-no-such-command"}, true, "whole path"},
		{self("fail"), false, ""},
	} {
		_, err := test.s.Reveal(t.Context())
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Configured() != test.configured || (test.hint == "") != (e.Hint() == "") || !strings.Contains(e.Hint(), test.hint) {
			t.Errorf("%v: got %+v, want configured %v and a hint with %q", test.s, err, test.configured, test.hint)
		}
	}
	s := Secret{source: fromFile, place: none}
	s.SetOrigin("certctl.yaml:12")
	if got, want := s.Error(errEmpty).Error(), "secret file "+none+" (certctl.yaml:12): it is empty"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRevealWithoutSystemd(t *testing.T) {
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	_, err := Secret{source: fromCredential, place: "auth"}.Reveal(t.Context())
	if err == nil || !strings.Contains(err.Error(), "LoadCredential=") {
		t.Errorf("got %v, want a word on LoadCredential=", err)
	}
}

func TestRevealStopsWithContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := self("hang").Reveal(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}

// self is this test's own program, told what to do as a command.
func self(what string) Secret {
	return Secret{source: fromExec, place: os.Args[0], args: []string{"-secret-command", what}}
}

func TestMain(m *testing.M) {
	if len(os.Args) < 3 || os.Args[1] != "-secret-command" {
		os.Exit(m.Run())
	}
	switch os.Args[2] {
	case "print":
		fmt.Println(marked)
	case "fail":
		fmt.Println(marked)
		fmt.Fprintln(os.Stderr, marked)
		os.Exit(3)
	case "flood":
		for {
			if _, err := fmt.Println(marked); err != nil {
				os.Exit(1)
			}
		}
	case "hang":
		time.Sleep(time.Minute) // until killed
	}
}

func TestSetDir(t *testing.T) {
	dir := t.TempDir()
	in := func(names ...string) string { return filepath.Join(append([]string{dir}, names...)...) }
	for _, test := range []struct {
		s    Secret
		want string
	}{
		{Secret{source: fromFile, place: "auth.key"}, in("auth.key")},
		{Secret{source: fromFile, place: in("b", "auth.key")}, in("b", "auth.key")},
		{Secret{source: fromEnv, place: "X"}, "X"},
		{Secret{source: fromExec, place: "pass"}, "pass"},
		{Secret{source: fromExec, place: filepath.Join("bin", "pass")}, in("bin", "pass")},
		{Secret{source: fromCredential, place: "auth"}, "auth"},
	} {
		test.s.SetDir(dir)
		if test.s.place != test.want {
			t.Errorf("got %q, want %q", test.s.place, test.want)
		}
	}
	for path, want := range map[Path]Path{"": "", "ca.pem": Path(in("ca.pem")), Path(in("x")): Path(in("x"))} {
		if path.SetDir(dir); path != want {
			t.Errorf("got %q, want %q", path, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing on Windows")
	}
	path := filepath.Join(t.TempDir(), "auth.key")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]string{0o600: "", 0o640: "", 0o644: "can read", 0o602: "can change"} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		got := Secret{source: fromFile, place: path}.Warnings()
		if (want == "") != (len(got) == 0) || want != "" && !strings.Contains(got[0], want) {
			t.Errorf("mode %04o: got %q, want %q", mode, got, want)
		}
	}
	if got := (Secret{source: fromEnv, place: path}).Warnings(); got != nil {
		t.Errorf("got %q, want nothing about a variable", got)
	}
}
