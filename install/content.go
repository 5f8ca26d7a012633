package install

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"software.sslmate.com/src/go-pkcs12"

	"certctl/store"
)

// content returns what a copy has in it.
func (c Copy) content(live *store.Certificate, password string) ([]byte, error) {
	if live.Key == nil && slices.Contains([]What{PrivKey, Combined, PKCS12, PKCS8}, c.What) {
		return nil, errors.New("the private key is not here: it is with who made the certificate request")
	}
	switch c.What {
	case PrivKey:
		return pemFiles(live, live.PrivateKey)
	case Cert:
		return pemFiles(live, live.Cert)
	case Chain:
		return pemFiles(live, live.Chain)
	case FullChain:
		return pemFiles(live, live.FullChain)
	case Combined:
		return pemFiles(live, live.PrivateKey, live.FullChain)
	case PKCS12:
		return encoder(c.Legacy).Encode(live.Key, live.Leaf, live.Issuers, password)
	case PKCS8:
		return x509.MarshalPKCS8PrivateKey(live.Key)
	case DER:
		return live.Leaf.Raw, nil
	}
	return nil, fmt.Errorf("there is no such format")
}

// pemFiles joins files of one version of the certificate.
func pemFiles(live *store.Certificate, paths ...string) ([]byte, error) {
	var all []byte
	for _, path := range paths {
		text, err := os.ReadFile(filepath.Join(live.Version, filepath.Base(path)))
		if err != nil {
			return nil, err
		}
		all = append(all, text...)
	}
	return all, nil
}

func encoder(legacy bool) *pkcs12.Encoder {
	if legacy {
		return pkcs12.LegacyDES
	}
	return pkcs12.Modern2023
}

// samePKCS12 reports whether a file has the same content, protected in the same
// way: two such files always differ in their random parts.
func samePKCS12(old []byte, live *store.Certificate, password string, legacy bool) bool {
	key, leaf, issuers, err := pkcs12.DecodeChain(old, password)
	if err != nil || !leaf.Equal(live.Leaf) || isModern(old) == legacy {
		return false
	}
	own, ok := live.Key.(interface{ Equal(crypto.PrivateKey) bool })
	return ok && own.Equal(key) && slices.EqualFunc(issuers, live.Issuers, (*x509.Certificate).Equal)
}

// isModern reports whether a file is encrypted with PBES2 (RFC 8018 §6.2), which
// the old schemes of PKCS #12 are not.
func isModern(content []byte) bool {
	pbes2, err := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13})
	return err == nil && bytes.Contains(content, pbes2)
}
