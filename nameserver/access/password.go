package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
)

// Digest is a password as it is kept: a salt, and the HMAC-SHA-256 of the
// password under it. That is enough for passwords that nobody has thought up;
// a slow hash would let anybody keep the server busy.
type Digest struct {
	Salt []byte `json:"salt"`
	Sum  []byte `json:"sum"`
}

// NewDigest returns the digest of a password.
func NewDigest(password string) Digest {
	salt := make([]byte, 16)
	rand.Read(salt)
	return Digest{salt, sum(salt, password)}
}

// Matches reports whether a password is the one, in a time that does not tell.
func (d Digest) Matches(password string) bool {
	return subtle.ConstantTimeCompare(d.Sum, sum(d.Salt, password)) == 1
}

// nobody is the digest that the password of an unknown user is compared with,
// so that it takes as long: no password has it.
var nobody = Digest{Salt: make([]byte, 16), Sum: make([]byte, sha256.Size)}

// Nobody compares a password with none, and never succeeds.
func Nobody(password string) bool { return nobody.Matches(password) }

func sum(salt []byte, password string) []byte {
	h := hmac.New(sha256.New, salt)
	h.Write([]byte(password))
	return h.Sum(nil)
}
