package store

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// archived is one version of a certificate.
type archived struct {
	serial string    // name of its directory
	issued time.Time // NotBefore of the certificate
	saved  time.Time // when it was put there, for those of one second
}

// Versions returns the serial numbers of all versions of a certificate that are
// in archive, the newest first.
func (s *Store) Versions(name string) ([]string, error) {
	all, err := s.archived(name)
	var serials []string
	for _, a := range all {
		serials = append(serials, a.serial)
	}
	return serials, err
}

func (s *Store) archived(name string) ([]archived, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	list, err := names(s.path("archive", name))
	if err != nil {
		return nil, err
	}
	var all []archived
	for _, serial := range list {
		path := s.path("archive", name, serial, certFile)
		leaf, saved, err := readLeaf(path)
		if err != nil {
			continue // none of ours: nothing to say about it, nor to remove
		}
		all = append(all, archived{serial, leaf.NotBefore, saved})
	}
	slices.SortFunc(all, func(a, b archived) int {
		if c := b.issued.Compare(a.issued); c != 0 {
			return c
		}
		return b.saved.Compare(a.saved)
	})
	return all, nil
}

func readLeaf(path string) (*x509.Certificate, time.Time, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, time.Time{}, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, time.Time{}, err
	}
	chain, err := decodeChain(text)
	if err != nil {
		return nil, time.Time{}, err
	}
	return chain[0], info.ModTime(), nil
}

// Prune removes the oldest versions of a certificate, so that so many are left.
// The live one is never removed.
func (s *Store) Prune(name string, keep int) error {
	all, err := s.archived(name)
	if err != nil || len(all) <= max(keep, 1) {
		return err
	}
	live, err := filepath.EvalSymlinks(s.path("live", name))
	if err != nil {
		return err
	}
	for _, a := range all[max(keep, 1):] {
		if a.serial == filepath.Base(live) {
			continue
		}
		if err := s.disk.removeAll(s.path("archive", name, a.serial)); err != nil {
			return err
		}
	}
	return nil
}

// DeleteCertificate removes all that there is of a certificate: first what was
// asked for, so that nobody renews it, and the keys at the end. None is an
// error, fs.ErrNotExist.
func (s *Store) DeleteCertificate(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if !s.Keeps(name) {
		return &fs.PathError{Op: "delete", Path: s.path("live", name), Err: fs.ErrNotExist}
	}
	for _, path := range s.pathsOf(name) {
		if err := s.disk.removeAll(path); err != nil {
			return err
		}
	}
	return nil
}

// Keeps reports whether there is anything of a certificate, if only what was asked
// for.
func (s *Store) Keeps(name string) bool { return slices.ContainsFunc(s.pathsOf(name), exists) }

// pathsOf returns where everything is that belongs to a certificate.
func (s *Store) pathsOf(name string) []string {
	return []string{s.requestPath(name), s.orderPath(name), s.path("live", name), s.path("archive", name)}
}

// exists reports whether there is something at a path, or what a crash left of
// it.
func exists(path string) bool {
	_, err := os.Lstat(path)
	_, left := os.Lstat(hidden(path))
	return err == nil || left == nil
}

// removeAll removes a file, a link or a directory in one step as far as others
// see it: under a hidden name, which a crash may leave, and which is removed the
// next time.
func (d disk) removeAll(path string) error {
	temporary := hidden(path)
	d.next()
	if err := os.RemoveAll(temporary); err != nil {
		return err
	}
	d.next()
	if err := os.Rename(path, temporary); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	d.next()
	return errors.Join(os.RemoveAll(temporary), syncDir(filepath.Dir(path)))
}
