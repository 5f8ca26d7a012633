package foreign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
)

// jwk is a private key as JSON (RFC 7517; RFC 7518 §6.2 and §6.3).
type jwk struct {
	Kty                      string
	N, E, D, P, Q, Crv, X, Y string
}

var errJWK = errors.New("the private key is damaged, or of a kind that is not known")

// readJWK reads a private key in the form that certbot keeps for accounts. Its
// errors do not show it.
func readJWK(path string) (crypto.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var k jwk
	if json.Unmarshal(text, &k) != nil {
		return nil, fmt.Errorf("%s: %w", path, errJWK)
	}
	var key crypto.Signer
	switch k.Kty {
	case "RSA":
		key, err = k.rsa()
	case "EC":
		key, err = k.ecdsa()
	default:
		err = errJWK
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, errJWK)
	}
	return key, nil
}

func (k *jwk) rsa() (crypto.Signer, error) {
	n, e, d, p, q := number(k.N), number(k.E), number(k.D), number(k.P), number(k.Q)
	if n == nil || e == nil || d == nil || p == nil || q == nil || !e.IsInt64() {
		return nil, errJWK
	}
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: n, E: int(e.Int64())},
		D:         d, Primes: []*big.Int{p, q},
	}
	if err := key.Validate(); err != nil {
		return nil, err
	}
	key.Precompute()
	return key, nil
}

func (k *jwk) ecdsa() (crypto.Signer, error) {
	curves := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}
	curve := curves[k.Crv]
	d, err := base64.RawURLEncoding.DecodeString(k.D)
	if curve == nil || err != nil {
		return nil, errJWK
	}
	return ecdsa.ParseRawPrivateKey(curve, d)
}

// number reads a number in base64url, nil if it is none.
func number(text string) *big.Int {
	octets, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(octets) == 0 {
		return nil
	}
	return new(big.Int).SetBytes(octets)
}
