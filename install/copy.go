package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"certctl/secret"
	"certctl/store"
)

// What is copied.
type What string

// The kinds of copies, in the words of the configuration.
const (
	PrivKey   What = "privkey"
	Cert      What = "cert"
	Chain     What = "chain"
	FullChain What = "fullchain"
	Combined  What = "combined" // private key and full chain
	PKCS12    What = "pkcs12"   // the same, protected by a password
	PKCS8     What = "pkcs8"    // the private key in DER
	DER       What = "der"      // the certificate in DER
)

// Copy is a copy that is wanted of a certificate.
type Copy struct {
	What     What
	Path     string
	Mode     fs.FileMode
	Owner    string        // name or number; "" for who we are
	Group    string        // the same
	Password secret.Secret // of PKCS #12
	Legacy   bool          // PKCS #12 for old readers
}

// Make makes the copy, unless it is there and as it should be.
func (c Copy) Make(ctx context.Context, live *store.Certificate) error {
	if err := c.make(ctx, live); err != nil {
		return fmt.Errorf("%s: %w", c.What, err)
	}
	return nil
}

func (c Copy) make(ctx context.Context, live *store.Certificate) error {
	who, err := lookUp(c.Owner, c.Group)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Path, err)
	}
	var password string
	if c.What == PKCS12 {
		if password, err = c.Password.Reveal(ctx); err != nil {
			return err
		}
	}
	if old := c.present(who); old != nil && c.same(old, live, password) {
		return nil
	}
	content, err := c.content(live, password)
	if err != nil {
		return err
	}
	return replace(c.Path, content, c.Mode, who)
}

// present returns what is in the file, if it is a plain file with the right
// owner and mode.
func (c Copy) present(who owner) []byte {
	info, err := os.Lstat(c.Path)
	if err != nil || !info.Mode().IsRegular() || !sameMode(info, c.Mode) || !who.owns(info) {
		return nil
	}
	content, err := os.ReadFile(c.Path)
	if err != nil {
		return nil
	}
	return content
}

func (c Copy) same(old []byte, live *store.Certificate, password string) bool {
	if c.What == PKCS12 {
		return samePKCS12(old, live, password, c.Legacy)
	}
	content, err := c.content(live, "")
	return err == nil && bytes.Equal(old, content)
}

// WriteFile replaces a file, or makes it, in one step.
func WriteFile(path string, content []byte, mode fs.FileMode) error {
	return replace(path, content, mode, owner{uid: -1, gid: -1})
}

// replace writes a new file beside the old one and renames it. Whose it is and
// who may read it is set before it gets its name, and before it has content.
func replace(path string, content []byte, mode fs.FileMode, who owner) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no directory %s", dir)
	}
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if err := who.take(f); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := f.Chmod(mode); err != nil {
		return err
	}
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}
