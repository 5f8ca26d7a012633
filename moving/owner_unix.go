//go:build unix

package moving

import (
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// owners returns the user and the group of a file, "" where it is ours.
func owners(info fs.FileInfo) (owner, group string) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", ""
	}
	if int(s.Uid) != os.Geteuid() {
		owner = strconv.Itoa(int(s.Uid))
		if u, err := user.LookupId(owner); err == nil {
			owner = u.Username
		}
	}
	if int(s.Gid) != os.Getegid() {
		group = strconv.Itoa(int(s.Gid))
		if g, err := user.LookupGroupId(group); err == nil {
			group = g.Name
		}
	}
	return owner, group
}
