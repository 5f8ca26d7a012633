package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// disk changes files so that each change survives a crash whole or not at all.
//
// A file is replaced by writing a new one beside it and renaming it over the
// old: rename(2) is atomic. Three things must be on the disk in this order:
// the new content (fsync of the file; without it a file may be found empty
// after a power failure), then its name (rename), then the directory that holds
// the name (fsync of the directory; without it the old file may come back after
// we said that the new one is there).
//
// disk has no state. Its one field is for tests, which stop it before each step.
type disk struct {
	step func() // called before every system call that changes something
}

func (d disk) next() {
	if d.step != nil {
		d.step()
	}
}

// write replaces the file at path, or makes it; its directory too if need be.
func (d disk) write(path string, data []byte, mode fs.FileMode) error {
	if err := d.mkdir(filepath.Dir(path)); err != nil {
		return err
	}
	temporary := hidden(path)
	if err := d.create(temporary, data, mode); err != nil {
		return err
	}
	return d.rename(temporary, path)
}

// hidden returns the temporary name for path. There is one only, because the
// store's lock is held: what a crash leaves is overwritten, not collected.
func hidden(path string) string {
	dir, name := filepath.Split(path)
	return filepath.Join(dir, "."+name)
}

// create makes a file with this content and mode, whatever the umask is.
func (d disk) create(path string, data []byte, mode fs.FileMode) error {
	d.next()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, modeSecret)
	if err != nil {
		return err
	}
	d.next()
	_, writeErr := f.Write(data)
	d.next()
	return errors.Join(writeErr, f.Chmod(mode), f.Sync(), f.Close())
}

// rename moves a file or directory to another name, over a file or link if
// there is one, and waits until this is on the disk.
func (d disk) rename(from, to string) error {
	d.next()
	if err := os.Rename(from, to); err != nil {
		return err
	}
	d.next()
	return syncDir(filepath.Dir(to))
}

// remove removes a file; none is fine.
func (d disk) remove(path string) error {
	d.next()
	if err := os.Remove(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	d.next()
	return syncDir(filepath.Dir(path))
}

// mkdir makes a directory and those above it.
func (d disk) mkdir(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	if parent := filepath.Dir(path); parent != path {
		if err := d.mkdir(parent); err != nil {
			return err
		}
	}
	d.next()
	if err := os.Mkdir(path, modeDir); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir waits until a directory's entries are on the disk. Windows neither
// needs nor allows it.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// link makes path a symbolic link to target, in the place of an older link.
func (d disk) link(target, path string) error {
	if err := d.mkdir(filepath.Dir(path)); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return d.linkInSteps(target, path)
	}
	temporary := hidden(path)
	if err := d.remove(temporary); err != nil {
		return err
	}
	d.next()
	if err := os.Symlink(target, temporary); err != nil {
		return err
	}
	return d.rename(temporary, path)
}

// linkInSteps is link for Windows, which cannot rename over a directory, be it
// a link, and asks for a privilege to make one: then it copies the target.
func (d disk) linkInSteps(target, path string) error {
	temporary, old := hidden(path), hidden(path)+".old"
	if err := errors.Join(os.RemoveAll(temporary), os.RemoveAll(old)); err != nil {
		return err
	}
	if os.Symlink(target, temporary) != nil {
		source := os.DirFS(filepath.Join(filepath.Dir(path), target))
		if err := os.CopyFS(temporary, source); err != nil {
			return err
		}
	}
	if err := os.Rename(path, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := d.rename(temporary, path); err != nil {
		return err
	}
	return os.RemoveAll(old)
}

// append adds to the end of a file, which it makes if need be, and waits until
// this is on the disk.
func (d disk) append(path string, data []byte) error {
	_, missing := os.Stat(path)
	d.next()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, modeSecret)
	if err != nil {
		return err
	}
	d.next()
	_, writeErr := f.Write(data)
	d.next()
	err = errors.Join(writeErr, f.Sync(), f.Close())
	if err != nil || missing == nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
