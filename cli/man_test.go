package cli

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/cpuguy83/go-md2man/v2/md2man"
)

var update = flag.Bool("update", false, "write doc/certctl.1 anew")

// TestMan checks that the manual is the one that the commands and
// doc/certctl.1.md make.
func TestMan(t *testing.T) {
	dir := filepath.Join("..", "doc")
	commands, err := new(Process).app().ToMarkdown()
	if err != nil {
		t.Fatal(err)
	}
	rest, err := os.ReadFile(filepath.Join(dir, "certctl.1.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := md2man.Render([]byte("% certctl 1\n\n" + commands + "\n" + string(rest)))
	file := filepath.Join(dir, "certctl.1")
	if *update {
		if err := os.WriteFile(file, page, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(file); err != nil || !bytes.Equal(kept, page) {
		t.Errorf("%s is not what the commands say (%v): go test ./cli -run Man -update", file, err)
	}
}
