package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// exportFile is an account in one file, to be taken elsewhere.
type exportFile struct {
	accountFile
	PrivateKey string `json:"private_key"` // PKCS #8 in PEM
}

// Export writes the account with its key into a new file that its owner alone
// can read. One that exists is an error, unless it may be replaced.
func (a *Account) Export(path string, replace bool) error {
	key, err := encodeKey(a.Key)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(exportFile{accountFile{Version: version, Directory: a.Directory, URL: a.URL, Contact: a.Contact, Terms: a.Terms}, string(key)}, "", "  ")
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil && !replace {
		return &fs.PathError{Op: "export", Path: path, Err: fs.ErrExist}
	}
	return writeAlone(path, append(text, '\n'))
}

// writeAlone writes a secret where others may have files, and may write: under a
// temporary name that nobody has, and then in one step.
func writeAlone(path string, data []byte) (err error) {
	var d disk
	if err := d.mkdir(filepath.Dir(path)); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".certctl-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return d.rename(f.Name(), path)
}

// ReadExport reads a file that Export wrote. Its errors do not show the key.
func ReadExport(path string) (*Account, error) {
	var f exportFile
	if err := loadJSON(path, &f); err != nil {
		return nil, err
	}
	if _, err := accountName(f.Directory); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	key, err := decodeKey([]byte(f.PrivateKey))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Account{Directory: f.Directory, URL: f.URL, Contact: f.Contact, Terms: f.Terms, Key: key}, nil
}
