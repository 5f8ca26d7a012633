package delegate

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// Label returns the label that a domain gets in the target zone. The same
// domain always gets the same one, and two domains never do.
type Label func(domain string) string

const maxLabel = 63 // octets, RFC 1035 §2.3.4

// Readable writes dots as hyphens: example-com. A hyphen becomes an underscore,
// which no domain has, so that my-site.com and my.site.com stay apart. A label
// that would be too long ends in a hash instead, after "-_", which comes of no
// domain, because no label of a domain begins with a hyphen.
func Readable(domain string) string { return readable(domain, maxLabel) }

func readable(domain string, limit int) string {
	label := strings.NewReplacer(".", "-", "-", "_").Replace(domain)
	if len(label) <= limit {
		return label
	}
	sum := sha256.Sum256([]byte(domain))
	hash := "-_" + encode(sum[:16])
	return label[:limit-len(hash)] + hash
}

// Unguessable returns labels of 128 bits that only the holder of the key can
// tell. They are derived, not remembered: a second run prints the same, and
// nothing is lost when the first one's output is.
func Unguessable(key []byte) Label {
	return func(domain string) string {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(domain))
		return encode(mac.Sum(nil)[:16])
	}
}

// encode writes octets as a label: base32 without padding, in lower case.
func encode(octets []byte) string {
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(octets))
}
