package cli

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
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
	page := folded(md2man.Render([]byte("% certctl 1\n\n" + commands + "\n" + string(rest))))
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

// folded has long cells of tables broken into lines, also those with markup, for
// which md2man does not.
func folded(page []byte) []byte {
	const wide = 30
	var b bytes.Buffer
	for line := range bytes.Lines(page) {
		cells := strings.Split(strings.TrimSuffix(string(line), "\n"), "\t")
		for i, c := range cells {
			if len(cells) > 1 && len(c) > wide {
				cells[i] = "T{\n" + c + "\nT}"
			}
		}
		b.WriteString(strings.Join(cells, "\t") + "\n")
	}
	return b.Bytes()
}
