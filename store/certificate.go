package store

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Certificate is an issued certificate, as it lies in the state directory.
type Certificate struct {
	Name string // the user's name for it
	Dir  string // live/NAME: stays the same when it is renewed

	// Files in Dir, for servers to use. PrivateKey is "" where there is none.
	PrivateKey, Cert, Chain, FullChain string

	Version string              // directory in archive that holds it for good
	Leaf    *x509.Certificate   // the certificate
	Issuers []*x509.Certificate // the rest of the chain
	Key     crypto.Signer       // the private key; nil where somebody else has it
}

// The files of a certificate, named as certbot names them.
const (
	privKeyFile   = "privkey.pem"
	certFile      = "cert.pem"
	chainFile     = "chain.pem"
	fullChainFile = "fullchain.pem"
)

// SaveCertificate keeps a certificate (its chain in DER, leaf first) with its
// key, and makes it the live one. Without a key, which is then with whoever made
// the certificate request, there is no privkey.pem. Saving the same again is fine: a run that was
// killed between this and ClearOrder does so.
func (s *Store) SaveCertificate(name string, key crypto.Signer, chain [][]byte) (*Certificate, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	files, leaf, err := encodeCertificate(key, chain)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	version, err := s.archive(name, fmt.Sprintf("%x", leaf.SerialNumber), files)
	if err != nil {
		return nil, err
	}
	target := filepath.Join("..", "archive", name, version)
	if err := s.disk.link(target, s.path("live", name)); err != nil {
		return nil, err
	}
	return s.LoadCertificate(name)
}

// encodeCertificate returns the content of each file.
func encodeCertificate(key crypto.Signer, chain [][]byte) (map[string][]byte, *x509.Certificate, error) {
	if len(chain) == 0 {
		return nil, nil, errors.New("the chain has no certificate")
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return nil, nil, err
	}
	cert, rest := encodeChain(chain[:1]), encodeChain(chain[1:])
	files := map[string][]byte{certFile: cert, chainFile: rest, fullChainFile: append(cert, rest...)}
	if key == nil {
		return files, leaf, nil
	}
	if !belongs(leaf, key) {
		return nil, nil, errors.New("the certificate is not for this private key")
	}
	files[privKeyFile], err = encodeKey(key)
	return files, leaf, err
}

func encodeChain(chain [][]byte) []byte {
	var text []byte
	for _, der := range chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return text
}

// archive keeps one certificate, and returns the name of its directory: the
// serial number. Two CAs may have given the same one (RFC 5280 §4.1.2.2 has it
// unique for one issuer); the second then gets SERIAL-2.
func (s *Store) archive(name, serial string, files map[string][]byte) (version string, err error) {
	version = serial
	for n := 2; ; n++ {
		dir := s.path("archive", name, version)
		if _, err := os.Stat(dir); err != nil {
			return version, s.archiveNew(dir, files)
		}
		if same, err := sameFiles(dir, files); same || err != nil {
			return version, err
		}
		version = fmt.Sprintf("%s-%d", serial, n)
	}
}

// archiveNew makes the directory of one certificate in one step: it appears when
// it is complete.
func (s *Store) archiveNew(dir string, files map[string][]byte) error {
	temporary := hidden(dir)
	if err := s.disk.mkdir(temporary); err != nil {
		return err
	}
	for _, name := range []string{privKeyFile, certFile, chainFile, fullChainFile} {
		if files[name] == nil && name == privKeyFile {
			continue
		}
		mode := modePublic
		if name == privKeyFile {
			mode = modeSecret
		}
		if err := s.disk.create(filepath.Join(temporary, name), files[name], mode); err != nil {
			return err
		}
	}
	if err := syncDir(temporary); err != nil {
		return err
	}
	return s.disk.rename(temporary, dir)
}

// sameFiles reports whether a directory has this key and certificate.
func sameFiles(dir string, files map[string][]byte) (bool, error) {
	for _, name := range []string{privKeyFile, certFile} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && (name != privKeyFile || !errors.Is(err, fs.ErrNotExist)) {
			return false, err
		}
		if !bytes.Equal(text, files[name]) {
			return false, nil
		}
	}
	return true, nil
}

// HasCertificate reports whether there is a live certificate of this name,
// without reading it.
func (s *Store) HasCertificate(name string) (bool, error) {
	if err := CheckName(name); err != nil {
		return false, err
	}
	_, err := os.Stat(s.path("live", name, certFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// LoadCertificate returns the live certificate of this name. Without one the
// error is fs.ErrNotExist.
func (s *Store) LoadCertificate(name string) (*Certificate, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	dir := s.path("live", name)
	version, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	c := &Certificate{
		Name: name, Dir: dir, Version: version,
		PrivateKey: filepath.Join(dir, privKeyFile), Cert: filepath.Join(dir, certFile),
		Chain: filepath.Join(dir, chainFile), FullChain: filepath.Join(dir, fullChainFile),
	}
	if err := c.read(); err != nil {
		return nil, err
	}
	return c, nil
}

// read reads from Version, not through the link that may be switched meanwhile.
func (c *Certificate) read() error {
	path, keyPath := filepath.Join(c.Version, fullChainFile), filepath.Join(c.Version, privKeyFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	chain, err := decodeChain(text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	c.Leaf, c.Issuers = chain[0], chain[1:]
	c.Key, err = readKey(keyPath)
	if errors.Is(err, fs.ErrNotExist) {
		c.PrivateKey = ""
		return nil
	}
	if err != nil {
		return err
	}
	if !belongs(c.Leaf, c.Key) {
		return fmt.Errorf("%s: it is not the key of the certificate beside it", keyPath)
	}
	return nil
}

func decodeChain(text []byte) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for {
		var block *pem.Block
		block, text = pem.Decode(text)
		if block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		chain = append(chain, certificate)
	}
	if len(chain) == 0 {
		return nil, errors.New("no certificate in PEM")
	}
	return chain, nil
}

// Certificates returns all live certificates in the order of their names, and
// an error for each that cannot be read.
func (s *Store) Certificates() ([]*Certificate, error) {
	list, err := names(s.path("live"))
	errs := []error{err}
	var certificates []*Certificate
	for _, name := range list {
		if CheckName(name) != nil {
			continue // certbot puts a README here, and so may others
		}
		c, err := s.LoadCertificate(name)
		switch {
		case err == nil:
			certificates = append(certificates, c)
		case !errors.Is(err, fs.ErrNotExist):
			errs = append(errs, err)
		}
	}
	return certificates, errors.Join(errs...)
}
