//go:build !windows

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// become makes the process one of a user who is not root, for good, and gives
// the user the files in a directory.
func become(name, dir string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return usagef("", "user %s: there is no such user", name)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if os.Geteuid() == uid {
		return nil
	}
	if os.Geteuid() != 0 {
		return usagef("start it as root, or as "+name, "user %s: only root can become another user", name)
	}
	give := func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, uid, gid))
	}
	if err := filepath.WalkDir(dir, give); err != nil {
		return err
	}
	if err := setUser(uid, gid); err != nil {
		return fmt.Errorf("user %s: %w", name, err)
	}
	return writable(dir, name)
}

func setUser(uid, gid int) error {
	if err := syscall.Setgroups([]int{gid}); err != nil {
		return err
	}
	if err := syscall.Setgid(gid); err != nil {
		return err
	}
	return syscall.Setuid(uid)
}

// writable checks that values can be written for as long as we run, also into
// a new file.
func writable(dir, name string) error {
	f, err := os.CreateTemp(dir, ".try-*")
	if err != nil {
		return usagef("give the values a directory that "+name+" can reach: `state:` below `nameserver:`, like /var/lib/certctl-nameserver",
			"user %s cannot write in %s", name, dir)
	}
	f.Close()
	return os.Remove(f.Name())
}
