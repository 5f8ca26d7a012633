//go:build unix

package install

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// owns reports whether a file is whose it is to be.
func (o owner) owns(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && (o.uid < 0 || uint32(o.uid) == s.Uid) && (o.gid < 0 || uint32(o.gid) == s.Gid)
}

func sameMode(info fs.FileInfo, mode fs.FileMode) bool { return info.Mode().Perm() == mode }

// syncDir waits until a directory's entries are on the disk.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
