package hostile

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"slices"
)

// malformed is what is wrong with a signed request.
type malformed struct{ kind, detail string }

type wireKey struct{ Crv, Kty, X, Y string }

// verify checks a request's signature, nonce and URL (RFC 8555 §6.2). It
// returns the URL of the account, which exists already or is new.
func (c *CA) verify(r *http.Request) (account string, payload []byte, problem *malformed) {
	var body struct{ Protected, Payload, Signature string }
	var head struct {
		Alg, Kid, Nonce, URL string
		JWK                  *wireKey
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return "", nil, &malformed{"malformed", err.Error()}
	}
	if err := json.Unmarshal(decode(body.Protected), &head); err != nil {
		return "", nil, &malformed{"malformed", err.Error()}
	}
	if head.URL != r.URL.String() || r.Header.Get("Content-Type") != "application/jose+json" {
		return "", nil, &malformed{"malformed", "the request is for " + head.URL}
	}
	if !c.spend(head.Nonce) {
		return "", nil, &malformed{"badNonce", "the nonce " + head.Nonce + " is not good"}
	}
	account, key := c.who(head.Kid, head.JWK)
	if key == nil {
		return "", nil, &malformed{"accountDoesNotExist", "there is no account " + head.Kid}
	}
	if !signed(key, body.Protected+"."+body.Payload, decode(body.Signature)) {
		return "", nil, &malformed{"malformed", "the signature is wrong"}
	}
	return account, decode(body.Payload), nil
}

// who returns the account that a request is for, by its URL or its key.
func (c *CA) who(kid string, jwk *wireKey) (string, *ecdsa.PublicKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if jwk == nil {
		return kid, c.accounts[kid]
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, decode(jwk.X), decode(jwk.Y)))
	if err != nil {
		return "", nil
	}
	for url, known := range c.accounts {
		if known.Equal(key) {
			return url, known
		}
	}
	url := c.url("account", c.number())
	c.accounts[url] = key
	return url, key
}

func signed(key *ecdsa.PublicKey, text string, signature []byte) bool {
	if len(signature) != 64 {
		return false
	}
	digest := sha256.Sum256([]byte(text))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	return ecdsa.Verify(key, digest[:], r, s)
}

// thumbprint is that of a key (RFC 7638).
func thumbprint(key *ecdsa.PublicKey) string {
	point, err := key.Bytes() // 4, then the coordinates of 32 octets each
	if err != nil {
		return ""
	}
	digest := sha256.Sum256(fmt.Appendf(nil, `{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, encode(point[1:33]), encode(point[33:])))
	return encode(digest[:])
}

// nonce returns a new one.
func (c *CA) nonce() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.number()
	c.nonces[n] = true
	return n
}

// spend reports whether a nonce is good, which it is once.
func (c *CA) spend(nonce string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.nonces[nonce] {
		return false
	}
	delete(c.nonces, nonce)
	c.answered++
	return c.trouble.BadNonces == 0 || c.answered%c.trouble.BadNonces != 0
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// decode returns nil for what is not base64url.
func decode(s string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil
	}
	return b
}
