package nameserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// Signer signs a zone's records when they are asked for, with one ECDSA P-256
// key (RFC 6605).
type Signer struct {
	key    *ecdsa.PrivateKey
	public string // as DNSKEY records have it
	tag    uint16 // RFC 4034 appendix B
	made   signatures
}

func newSigner(key *ecdsa.PrivateKey) (*Signer, error) {
	public, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	s := &Signer{key: key, public: base64.StdEncoding.EncodeToString(public[1:])} // RFC 6605 §4
	s.tag = s.dnskey(".").KeyTag()
	return s, nil
}

// OpenSigner reads a key from a file (PKCS #8 in PEM), or makes one if there is
// none.
func OpenSigner(path string) (*Signer, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeSigner(path)
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: there is no key in it: PEM is expected", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%s: it is not an ECDSA P-256 key", path)
	}
	return newSigner(key)
}

func makeSigner(path string) (*Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	return newSigner(key)
}

// DS returns the record that the zone's parent needs.
func (s *Signer) DS(apex delegation.Name) *dns.DS {
	ds := s.dnskey(apex).ToDS(dns.SHA256)
	ds.Hdr.Ttl = fixedTTL
	return ds
}

func (s *Signer) dnskey(apex delegation.Name) *dns.DNSKEY {
	return &dns.DNSKEY{
		Hdr: header(apex, dns.TypeDNSKEY, fixedTTL), Flags: dns.ZONE | dns.SEP, Protocol: 3,
		Algorithm: dns.ECDSAP256SHA256, PublicKey: s.public,
	}
}

// keys returns the records about the key at the zone's apex, those for a
// parent that looks for them among them (RFC 7344).
func (s *Signer) keys(apex delegation.Name) []dns.RR {
	key := s.dnskey(apex)
	return []dns.RR{key, key.ToCDNSKEY(), s.DS(apex).ToCDS()}
}
