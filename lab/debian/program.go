package debian

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is an executable of one of Debian's packages.
type program struct {
	path string
	root string // of the tree that it and its libraries were unpacked into; "": it is installed
}

// find returns a program: of the tree that CERTCTL_SERVERS names, or else one
// that is installed.
func find(t testing.TB, binary, pkg string) program {
	t.Helper()
	root := os.Getenv("CERTCTL_SERVERS")
	for _, dir := range []string{"/usr/sbin", "/usr/bin"} {
		if path := filepath.Join(root, dir, binary); root != "" && isFile(path) {
			return program{path, root}
		}
	}
	return installed(t, binary, pkg)
}

// installed returns a program of this host's. /usr/sbin is not on everybody's
// path.
func installed(t testing.TB, binary, pkg string) program {
	t.Helper()
	for _, name := range []string{binary, "/usr/sbin/" + binary} {
		if path, err := exec.LookPath(name); err == nil {
			return program{path: path}
		}
	}
	without(t, fmt.Sprintf("%s is not installed (apt-get install %s)", binary, pkg))
	return program{}
}

func isFile(path string) bool {
	f, err := os.Stat(path)
	return err == nil && f.Mode().IsRegular()
}

// command runs the program: one of a tree by that tree's own loader, because the
// C library here may be too old for it.
func (p program) command(ctx context.Context, args ...string) *exec.Cmd {
	if p.root == "" {
		return exec.CommandContext(ctx, p.path, args...)
	}
	args = append([]string{"--library-path", p.find("usr/lib/*-linux-gnu"), p.path}, args...)
	return exec.CommandContext(ctx, p.find("usr/lib*/ld-linux*.so.*"), args...)
}

// find returns the path in the program's tree that a pattern stands for.
func (p program) find(pattern string) string {
	paths, err := filepath.Glob(filepath.Join("/", p.root, pattern))
	if err != nil || len(paths) == 0 {
		return filepath.Join("/", p.root, pattern)
	}
	return paths[0]
}

func (p program) String() string { return filepath.Base(p.path) }

// without ends a test that cannot have a server which it needs.
func without(t testing.TB, message string) {
	t.Helper()
	if os.Getenv("CERTCTL_REQUIRE_SERVERS") != "" {
		t.Fatal(message)
	}
	t.Skip(message)
}
