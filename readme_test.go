package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"certctl/lab"
)

// TestReadmeYAML reads every configuration of the README as certctl does.
func TestReadmeYAML(t *testing.T) {
	t.Setenv("WWW_TSIG", "c2VjcmV0")
	for line, text := range blocks(t, "README.md", "yaml") {
		t.Run(fmt.Sprintf("line=%d", line), func(t *testing.T) {
			dir := t.TempDir()
			key := "key \"certctl-auth\" {\n\talgorithm hmac-sha256;\n\tsecret \"c2VjcmV0\";\n};\n"
			write(t, filepath.Join(dir, "auth.key"), key)
			write(t, filepath.Join(dir, "certctl.yaml"), "state: state\n"+text)
			command := exec.Command("certctl", "config", "check")
			command.Dir = dir
			if out, err := command.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestReadmeConsole runs every command of the README, in a lab.
func TestReadmeConsole(t *testing.T) {
	for line, text := range blocks(t, "README.md", "console") {
		t.Run(fmt.Sprintf("line=%d", line), func(t *testing.T) {
			world, err := lab.Start(t.Context(), lab.Options{Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			defer world.Close()
			for command := range strings.Lines(text) {
				shell(t, world.Env(), strings.TrimPrefix(command, "$ "))
			}
		})
	}
}

// shell runs one command line. Of those for the go command, the program is
// here already, and the tests are running.
func shell(t *testing.T, env []string, line string) {
	t.Helper()
	line = strings.TrimSpace(line)
	if line == "go install ." || line == "go test ./..." {
		return
	}
	line = strings.Replace(line, "go run .", "certctl", 1)
	command := exec.CommandContext(context.WithoutCancel(t.Context()), "sh", "-c", line)
	command.Dir = t.TempDir()
	command.Env = append(os.Environ(), env...)
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", line, err, out)
	}
}

// blocks returns the fenced blocks of a language, by their line.
func blocks(t *testing.T, file, language string) map[int]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[int]string)
	start := 0
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		switch {
		case start == 0 && line == "```"+language+"\n":
			start = number
		case start != 0 && line == "```\n":
			start = 0
		case start != 0:
			found[start] += line
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no %s block", file, language)
	}
	return found
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
