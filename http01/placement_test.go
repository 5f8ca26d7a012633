//go:build unix

package http01

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// tree lists what is below a directory, with modes and content.
func tree(t *testing.T, root string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		line := info.Mode().String() + " " + rel
		if d.Type().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += " " + string(text)
		}
		all = append(all, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func plan(t *testing.T, root string) *Placement {
	t.Helper()
	p, err := Plan(root, answers)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func wantTree(t *testing.T, root string, want ...string) {
	t.Helper()
	if got := tree(t, root); !slices.Equal(got, want) {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestPlacement(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	root := t.TempDir()
	p := plan(t, root)
	wantTree(t, root)
	for range 2 { // the second time as if the first had been killed
		if err := p.Write(); err != nil {
			t.Fatal(err)
		}
		wantTree(t, root,
			"drwxr-xr-x .well-known",
			"drwxr-xr-x .well-known/acme-challenge",
			"-rw-r--r-- .well-known/acme-challenge/token-1 token-1.thumb",
			"-rw-r--r-- .well-known/acme-challenge/token-2 token-2.thumb")
	}
	for range 2 { // what is gone is fine
		if err := p.Remove(); err != nil {
			t.Fatal(err)
		}
		wantTree(t, root)
	}
}

// What others have there stays, and so do directories that were there.
func TestPlacementKeepsOthers(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	write(".well-known/security.txt", "mine")
	p := plan(t, root)
	if want := []string{".well-known/acme-challenge"}; !slices.Equal(p.Directories, want) {
		t.Fatalf("got %q, want %q", p.Directories, want)
	}
	if err := p.Write(); err != nil {
		t.Fatal(err)
	}
	write(".well-known/acme-challenge/token-2", "token-2.others")
	write(".well-known/acme-challenge/other", "x")
	if err := p.Remove(); err != nil {
		t.Fatal(err)
	}
	wantTree(t, root,
		"drwxr-x--- .well-known",
		"drwxr-xr-x .well-known/acme-challenge",
		"-rw-r----- .well-known/acme-challenge/other x",
		"-rw-r--r-- .well-known/acme-challenge/token-2 token-2.others",
		"-rw-r----- .well-known/security.txt mine")
	err := plan(t, root).Write()
	if !errors.Is(err, errTaken) || !strings.Contains(err.Error(), "token-2: there is another file") {
		t.Errorf("got %v, want that token-2 is another's", err)
	}
}

// A run that was killed while it wrote leaves a beginning.
func TestRemoveBeginning(t *testing.T) {
	root := t.TempDir()
	p := plan(t, root)
	if err := p.Write(); err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int64{"token-1": 0, "token-2": 5} {
		if err := os.Truncate(filepath.Join(root, directory, name), size); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Remove(); err != nil {
		t.Fatal(err)
	}
	wantTree(t, root)
}

// Symbolic links are followed within the document root, and not out of it.
func TestPlacementLinks(t *testing.T) {
	root := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(root, "acme"), 0o755), os.Symlink("acme", filepath.Join(root, ".well-known"))); err != nil {
		t.Fatal(err)
	}
	p := plan(t, root)
	if err := p.Write(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "acme/acme-challenge/token-1")); err != nil {
		t.Error(err)
	}
	if err := p.Remove(); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, root); len(got) != 2 {
		t.Errorf("got %q, want the link and its directory", got)
	}

	outside := t.TempDir()
	for _, link := range []string{".well-known", ".well-known/acme-challenge"} {
		root := t.TempDir()
		path := filepath.Join(root, link)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.Symlink(outside, path)); err != nil {
			t.Fatal(err)
		}
		p, err := Plan(root, answers)
		if err == nil || !strings.Contains(err.Error(), "escapes") {
			t.Errorf("%s: got %v, want that it leads out", link, err)
		}
		if err := p.Write(); err == nil {
			t.Errorf("%s: it was followed", link)
		}
	}
	wantTree(t, outside)
}

// What stands at our place instead of a file is neither opened nor removed.
func TestRemovePipe(t *testing.T) {
	root := t.TempDir()
	p := plan(t, root)
	if err := p.Write(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, directory, "token-1")
	if err := errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o644)); err != nil {
		t.Fatal(err)
	}
	if err := p.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Error(err)
	}
}

func TestPlacementErrors(t *testing.T) {
	root := t.TempDir()
	_, err := Plan(filepath.Join(root, "none"), answers)
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Hint() == "" || !strings.HasSuffix(err.Error(), "none: there is no such directory") {
		t.Errorf("got %v", err)
	}
	p := plan(t, root)
	if err := os.Remove(root); err != nil {
		t.Fatal(err)
	}
	if err := p.Remove(); err != nil {
		t.Errorf("got %v for a root that is gone", err)
	}
	for cause, want := range map[error]string{
		syscall.EACCES: "let /var/www/.well-known/acme-challenge belong",
		syscall.EROFS:  "ReadWritePaths=/var/www",
		syscall.ENOSPC: "",
	} {
		if hint := (&Error{"/var/www", cause}).Hint(); !strings.Contains(hint, want) || (hint == "") != (want == "") {
			t.Errorf("%v: got hint %q, want %q in it", cause, hint, want)
		}
	}
}
