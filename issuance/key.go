package issuance

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"certctl/acme"
	"certctl/store"
)

// KeyType names the kind of a certificate's key, as the configuration does.
type KeyType string

// The kinds of keys that public CAs accept.
const (
	ECDSAP256 KeyType = "ecdsa-p256" // the default
	ECDSAP384 KeyType = "ecdsa-p384"
	RSA2048   KeyType = "rsa-2048"
	RSA3072   KeyType = "rsa-3072"
	RSA4096   KeyType = "rsa-4096"
)

// KeyTypes are all of them, the default first.
var KeyTypes = []KeyType{ECDSAP256, ECDSAP384, RSA2048, RSA3072, RSA4096}

// NewKey makes a private key.
func NewKey(t KeyType) (crypto.Signer, error) {
	switch t {
	case ECDSAP256, "":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ECDSAP384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case RSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case RSA3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	case RSA4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	}
	return nil, fmt.Errorf("unknown key type %q: one of %q", t, KeyTypes)
}

// KeyTypeOf returns the kind of an existing key, "" if it is none of ours.
func KeyTypeOf(public crypto.PublicKey) KeyType {
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return ECDSAP256
		case elliptic.P384():
			return ECDSAP384
		}
	case *rsa.PublicKey:
		return KeyType(fmt.Sprintf("rsa-%d", k.N.BitLen()))
	}
	return ""
}

// CheckKey refuses a key that is brought along and of none of the kinds that
// public CAs accept.
func CheckKey(public crypto.PublicKey) (KeyType, error) {
	t := KeyTypeOf(public)
	switch {
	case slices.Contains(KeyTypes, t):
		return t, nil
	case t == "":
		return "", fmt.Errorf("a key of type %T is none of %q", public, KeyTypes)
	}
	return "", fmt.Errorf("a key of type %s is none of %q", t, KeyTypes)
}

// ReadKey reads a private key in PEM: PKCS #8, or as OpenSSL wrote them before
// (RFC 5915 §4, RFC 8017 §A.1.2). Its errors do not show the key.
func ReadKey(text []byte) (crypto.Signer, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		var key any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case "ENCRYPTED PRIVATE KEY":
			return nil, errors.New("the private key is encrypted")
		default:
			continue // like EC PARAMETERS
		}
		signer, ok := key.(crypto.Signer)
		if err != nil || !ok {
			return nil, errors.New("the private key is damaged, or of a kind that is not known")
		}
		_, err = CheckKey(signer.Public())
		return signer, err
	}
	return nil, errors.New("there is no private key in PEM")
}

// keyFor returns the private key for a certificate: nil where a certificate
// request is brought along.
func (i *Issuer) keyFor(r *Request) (crypto.Signer, error) {
	switch {
	case r.CSR != nil:
		return nil, nil
	case r.PrivateKey != nil:
		return r.PrivateKey, nil
	case r.ReuseKey:
		key, err := reusable(i.Store, r)
		if key != nil || err != nil {
			return key, err
		}
	}
	return NewKey(r.Key)
}

// reusable returns the key of the live certificate: nil if there is none, or
// one of another type, or one that was revoked because others have it too.
func reusable(s *store.Store, r *Request) (crypto.Signer, error) {
	live, err := s.LoadCertificate(r.Certificate)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil || live.Key == nil || KeyTypeOf(live.Leaf.PublicKey) != keyType(r.Key) {
		return nil, err
	}
	kept, err := s.LoadRequest(r.Certificate)
	if errors.Is(err, fs.ErrNotExist) {
		return live.Key, nil
	}
	if err != nil || kept.Issued != nil && kept.Issued.Reason == string(acme.KeyCompromise) {
		return nil, err
	}
	return live.Key, nil
}

// matching reports whether a private and a public key are a pair.
func matching(key crypto.Signer, public crypto.PublicKey) bool {
	own, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && own.Equal(public)
}

// keyType returns the type that is meant.
func keyType(t KeyType) KeyType { return cmp.Or(t, ECDSAP256) }
