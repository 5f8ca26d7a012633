package moving

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"certctl/install"
	"certctl/issuance"
	"certctl/store"
)

// WriteSecrets writes the secrets of the zones into files below a directory.
// One that has other content than this is an error, and then none is written.
func (p *Plan) WriteSecrets(dir string) error {
	missing := map[string]string{}
	for _, z := range p.Zones {
		for _, f := range z.Files {
			path := filepath.Join(dir, filepath.FromSlash(f.Path))
			switch old, err := os.ReadFile(path); {
			case errors.Is(err, fs.ErrNotExist):
				missing[path] = f.content
			case err != nil:
				return err
			case !bytes.Equal(old, []byte(f.content)):
				return fmt.Errorf("%s is there already, with another secret in it", path)
			}
		}
	}
	for path, content := range missing {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := install.WriteFile(path, []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Idle reports whether everything is here already, or left out.
func (p *Plan) Idle() bool {
	return len(p.Zones) == 0 && !slices.ContainsFunc(p.Accounts, func(a *Account) bool { return a.Verdict != Present }) &&
		!slices.ContainsFunc(p.Certificates, func(c *Certificate) bool { return c.Verdict != Present })
}

// Carry takes accounts and certificates over. The caller holds the store's
// lock. A certificate that cannot be saved does not keep others from it: the
// error has all of them.
func (p *Plan) Carry() error {
	var errs []error
	for _, a := range p.Accounts {
		if a.Verdict == Present {
			continue
		}
		err := p.store.SaveAccount(&store.Account{Directory: a.Directory, URL: a.URL, Contact: a.Contact, Key: a.Key})
		if err != nil {
			return err // without accounts the certificates could not be renewed
		}
	}
	for _, c := range p.Certificates {
		if c.Verdict != Add {
			continue
		}
		if err := p.save(c); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.Name, err))
		}
	}
	return errors.Join(errs...)
}

// save saves all versions of a certificate, the live one last, and then what
// was asked for. What cannot be saved as a whole is taken back.
func (p *Plan) save(c *Certificate) error {
	versions := c.Versions
	if keep := p.options.Keep; keep > 0 && len(versions) > keep {
		versions = versions[len(versions)-keep:]
	}
	var err error
	for _, v := range versions {
		if _, err = p.store.SaveCertificate(c.Name, v.Key, der(v.Chain)); err != nil {
			break
		}
	}
	if err == nil {
		if len(c.installs()) == 0 {
			(&issuance.Deployment{Certificate: c.Name, Commands: c.Request.Deploy}).Assume(c.Request)
		}
		err = p.store.SaveRequest(c.Request)
	}
	if err == nil {
		return nil
	}
	if undo := p.store.DeleteCertificate(c.Name); !errors.Is(undo, fs.ErrNotExist) {
		err = errors.Join(err, undo)
	}
	return err
}

func (c *Certificate) installs() []*InstallEntry {
	if c.Entry == nil {
		return nil
	}
	return c.Entry.Install
}

func der(chain []*x509.Certificate) [][]byte {
	var all [][]byte
	for _, c := range chain {
		all = append(all, c.Raw)
	}
	return all
}
