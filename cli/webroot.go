package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"certctl/acme"
)

// webroots are the values of --webroot-path. As with certbot, one is for all
// names, and of several each is for the names between it and the next.
type webroots struct {
	domains *cli.StringSlice // those of --domain, as far as they are read
	dirs    []string
	before  []int // how many of the domains came before each
}

// Set takes a value, relative to where we are: renew runs elsewhere.
func (w *webroots) Set(dir string) error {
	switch dir {
	case passedOn:
		return nil
	case "":
		return errors.New("a directory is expected")
	}
	path, err := filepath.Abs(dir)
	w.dirs, w.before = append(w.dirs, path), append(w.before, len(w.domains.Value()))
	return err
}

// passedOn is what Set ignores: the flag parser sets the long name of a flag to
// what Serialize returns for the short one, which has the same value here.
const passedOn = "\x00"

// Serialize implements cli.Serializer.
func (w *webroots) Serialize() string { return passedOn }

func (w *webroots) String() string { return strings.Join(w.dirs, ", ") }

// split returns the directory for all names, or else that of each.
func (w *webroots) split() (all string, by map[string]string, err error) {
	if len(w.dirs) == 1 {
		return w.dirs[0], nil, nil
	}
	if w.before[0] > 0 {
		return "", nil, errors.New("is there several times: the first has to come before the names")
	}
	domains := w.domains.Value()
	by = make(map[string]string)
	for n, dir := range w.dirs {
		end := len(domains)
		if n+1 < len(w.dirs) {
			end = w.before[n+1]
		}
		if w.before[n] == end {
			return "", nil, fmt.Errorf("%s is there without names behind it", dir)
		}
		names, err := acme.ParseNames(strings.Split(strings.Join(domains[w.before[n]:end], ","), ","))
		if err != nil {
			return "", nil, err
		}
		for _, name := range names {
			by[name] = dir
		}
	}
	return "", by, nil
}
