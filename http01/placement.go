package http01

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
)

// Modes for whoever the web server runs as, whatever our umask is.
const (
	modeFile = 0o644
	modeDir  = 0o755
)

// Placement is files below a web server's document root. It says what will be
// written before anything is, so that it can be journaled, and removes exactly
// that.
type Placement struct {
	Root        string   // the document root
	Directories []string // that did not exist, relative to Root, the outermost first
	Files       []Answer
}

// Error says what went wrong at a path below a document root.
type Error struct {
	Root string
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("webroot %s: %v", e.Root, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Hint says who has to be allowed what.
func (e *Error) Hint() string {
	switch {
	case errors.Is(e.Err, fs.ErrPermission):
		return fmt.Sprintf("certctl runs as a user who may not write there: let %s/%s belong to that user", e.Root, directory)
	case errors.Is(e.Err, syscall.EROFS):
		return "under systemd the service needs ReadWritePaths=" + e.Root
	case errors.Is(e.Err, errNoRoot):
		return "the webroot is the directory that the web server serves as /"
	}
	return ""
}

var (
	errNoRoot = errors.New("there is no such directory")
	errTaken  = errors.New("there is another file by this name, which is not ours")
)

// Plan looks what has to be made for these answers to be below root. A symbolic
// link may lead elsewhere within root, but not out of it: whoever may write in
// a document root must not choose where we write.
func Plan(root string, answers []Answer) (*Placement, error) {
	if err := check(answers); err != nil {
		return nil, err
	}
	p := &Placement{Root: root, Files: answers}
	return p, p.within(func(r *os.Root) error {
		for _, dir := range []string{path.Dir(directory), directory} {
			_, err := r.Stat(dir)
			if errors.Is(err, fs.ErrNotExist) {
				p.Directories = append(p.Directories, dir)
			} else if err != nil {
				return err
			}
		}
		return nil
	})
}

// within opens the document root.
func (p *Placement) within(do func(*os.Root) error) error {
	r, err := os.OpenRoot(p.Root)
	if errors.Is(err, fs.ErrNotExist) {
		err = errNoRoot
	}
	if err != nil {
		return &Error{p.Root, err}
	}
	defer r.Close()
	if err := do(r); err != nil {
		return &Error{p.Root, err}
	}
	return nil
}

// Write makes the files. Nobody knows their names before the CA is told, so
// that none is read half written. After an error Remove takes back what there
// is.
func (p *Placement) Write() error {
	return p.within(func(r *os.Root) error {
		for _, dir := range p.Directories {
			if err := makeDirectory(r, dir); err != nil {
				return err
			}
		}
		for _, a := range p.Files {
			if err := write(r, a); err != nil {
				return err
			}
		}
		return nil
	})
}

func name(a Answer) string { return directory + "/" + a.Token }

func makeDirectory(r *os.Root, dir string) error {
	err := r.Mkdir(dir, modeDir)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return r.Chmod(dir, modeDir)
}

// write makes a file, and never changes one that is there.
func write(r *os.Root, a Answer) error {
	if ours, err := isOurs(r, a); err == nil && ours { // of an earlier run
		if err := r.Remove(name(a)); err != nil {
			return err
		}
	}
	f, err := r.OpenFile(name(a), os.O_WRONLY|os.O_CREATE|os.O_EXCL, modeFile)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", name(a), errTaken)
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(a.Text)
	return errors.Join(err, f.Chmod(modeFile), f.Close())
}

// Remove removes the files that are as we wrote them, or a beginning of that,
// as a crash leaves it, and then the directories that we made, if nobody else
// has put anything there. What is gone already is fine.
func (p *Placement) Remove() error {
	err := p.within(func(r *os.Root) error {
		var errs []error
		for _, a := range p.Files {
			errs = append(errs, remove(r, a))
		}
		for i := len(p.Directories) - 1; i >= 0; i-- {
			removeDirectory(r, p.Directories[i])
		}
		return errors.Join(errs...)
	})
	if errors.Is(err, errNoRoot) {
		return nil
	}
	return err
}

func remove(r *os.Root, a Answer) error {
	ours, err := isOurs(r, a)
	if err == nil && ours {
		err = r.Remove(name(a))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// isOurs reports whether a file is one that we wrote. It is not opened unless
// it may be: a pipe would keep us waiting.
func isOurs(r *os.Root, a Answer) (bool, error) {
	info, err := r.Lstat(name(a))
	if err != nil || !info.Mode().IsRegular() || info.Size() > int64(len(a.Text)) {
		return false, err
	}
	text, err := r.ReadFile(name(a))
	return strings.HasPrefix(a.Text, string(text)), err
}

// removeDirectory removes a directory, unless there is something in it.
func removeDirectory(r *os.Root, dir string) {
	if info, err := r.Lstat(dir); err == nil && info.IsDir() {
		_ = r.Remove(dir)
	}
}
