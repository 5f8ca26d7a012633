package update

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/nameserver/access"
)

// Key is a TSIG key and its rights.
type Key struct {
	access.Key
	Name      delegation.Name
	algorithm string // as messages have it: a domain name (RFC 8945 §6)
	secret    string // base64
}

// NewKey returns a key of an algorithm ("hmac-sha256", "hmac-sha384",
// "hmac-sha512"). The secret is base64; no error shows it.
func NewKey(name, algorithm, secret string, rights access.Key) (*Key, error) {
	parsed, err := delegation.ParseName(name)
	if err != nil {
		return nil, err
	}
	k := &Key{Key: rights, Name: parsed, secret: strings.TrimSpace(secret)}
	switch algorithm {
	case "hmac-sha256", "hmac-sha384", "hmac-sha512":
		k.algorithm = algorithm + "."
	default:
		return nil, fmt.Errorf("algorithm: %q is none of hmac-sha256, hmac-sha384, hmac-sha512", algorithm)
	}
	raw, err := base64.StdEncoding.DecodeString(k.secret)
	if err != nil {
		return nil, errors.New("the secret is not base64")
	}
	if len(raw) < shortestSecret {
		return nil, fmt.Errorf("the secret has %d bits: 128 are the least; tsig-keygen makes one", len(raw)*8)
	}
	return k, nil
}

// shortestSecret keeps out secrets that can be guessed, in octets.
const shortestSecret = 16

// Format shows the key's name for every verb, so that no secret is ever printed.
func (k *Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.Name.Bare()) }

// verify checks the signature of a packed message (RFC 8945 §5.2), and returns
// the error to report, 0 for none.
func (k *Key) verify(packet []byte, t *dns.TSIG) (rcode uint16) {
	if !strings.EqualFold(t.Algorithm, k.algorithm) {
		return dns.RcodeBadKey
	}
	err := dns.TsigVerify(packet, k.secret, "", false)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, dns.ErrTime):
		return dns.RcodeBadTime
	}
	return dns.RcodeBadSig
}
