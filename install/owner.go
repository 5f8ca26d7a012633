package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"runtime"
	"strconv"
)

// owner is whose a file is to be; -1 for whose it is anyway.
type owner struct {
	uid, gid int
	names    string // as they were given, for errors
}

// lookUp finds out the numbers of a user and a group, which may be numbers.
func lookUp(userName, groupName string) (owner, error) {
	o := owner{uid: -1, gid: -1, names: userName + ":" + groupName}
	if userName+groupName == "" {
		return o, nil
	}
	if runtime.GOOS == "windows" {
		return o, errors.New("owner and group cannot be set on Windows")
	}
	var err error
	if o.uid, err = number(userName, "user", func() (string, error) {
		u, err := user.Lookup(userName)
		if err != nil {
			return "", err
		}
		return u.Uid, nil
	}); err != nil {
		return o, err
	}
	o.gid, err = number(groupName, "group", func() (string, error) {
		g, err := user.LookupGroup(groupName)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	})
	return o, err
}

// number returns the number of a user or group. A name that is a number is one
// only if nobody is called so.
func number(name, kind string, lookUp func() (string, error)) (int, error) {
	if name == "" {
		return -1, nil
	}
	text, err := lookUp()
	if err != nil {
		text = name
	}
	n, parseErr := strconv.ParseUint(text, 10, 31)
	if parseErr != nil {
		return -1, fmt.Errorf("there is no %s %s", kind, name)
	}
	return int(n), nil
}

// take gives a file to its owner.
func (o owner) take(f *os.File) error {
	if o.uid < 0 && o.gid < 0 {
		return nil
	}
	if err := f.Chown(o.uid, o.gid); err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("it cannot be given to %s: only root may", o.names)
		}
		return err
	}
	return nil
}
