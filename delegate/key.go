package delegate

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// KeyFile is the name of the file in the state directory that LabelKey keeps.
const KeyFile = "labels.key"

const keySize = 32

// LabelKey returns the key of unguessable labels, kept in a state directory.
// The first call makes it.
func LabelKey(dir string) ([]byte, error) {
	path := filepath.Join(dir, KeyFile)
	if key, err := readKey(path); !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := makeKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return readKey(path)
}

func readKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("%s: it is not a key of %d octets in base64", path, keySize)
	}
	return key, nil
}

// makeKey links a finished file to its name: of two runs at once the first one
// wins, and neither sees half a key. A key that is used must be there after a
// power failure, so file and directory are synced.
func makeKey(path string) error {
	key := make([]byte, keySize)
	rand.Read(key)
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+KeyFile) // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir waits until a directory's entries are on the disk. Windows neither
// needs nor allows it.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
