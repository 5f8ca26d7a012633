package foreign

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"certctl/issuance"
)

// readKey reads a private key. Its errors do not show it.
func readKey(path string) (crypto.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := issuance.ReadKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// readChain reads all certificates of a file.
func readChain(path string) ([]*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var chain []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		chain = append(chain, c)
	}
	if len(chain) == 0 {
		return nil, fmt.Errorf("%s: %w", path, errNoCertificate)
	}
	return chain, nil
}

// readVersion reads a key and the chain of its certificate. A chain of one is
// completed from the file with the issuers, which may be missing.
func readVersion(keyPath, chainPath, issuersPath string) (*Version, error) {
	chain, err := readChain(chainPath)
	if err != nil {
		return nil, err
	}
	key, err := readKey(keyPath)
	if err != nil {
		return nil, err
	}
	if public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(chain[0].PublicKey) {
		return nil, fmt.Errorf("%s is not the key of the certificate in %s", keyPath, chainPath)
	}
	if len(chain) == 1 {
		issuers, err := readChain(issuersPath)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		chain = append(chain, issuers...)
	}
	if len(chain) > 1 && !bytes.Equal(chain[0].RawIssuer, chain[1].RawSubject) {
		return nil, fmt.Errorf("%s: the second certificate is not the issuer of the first", chainPath)
	}
	return &Version{Key: key, Chain: chain}, nil
}

// domains returns the names of a certificate, with this one in front if it is
// one of them.
func domains(leaf *x509.Certificate, front string) []string {
	names := slices.Clone(leaf.DNSNames)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	for _, first := range []string{front, "*." + front} {
		if i := slices.Index(names, first); i > 0 {
			names = slices.Insert(slices.Delete(names, i, i+1), 0, first)
		}
	}
	return names
}

// staples reports whether a certificate says that OCSP answers are stapled to
// it (RFC 7633 §6).
func staples(leaf *x509.Certificate) bool {
	feature := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}
	for _, e := range leaf.Extensions {
		if e.Id.Equal(feature) {
			return true
		}
	}
	return false
}
