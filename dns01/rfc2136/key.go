package rfc2136

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
	"certctl/secret"
)

// key signs and verifies messages. It is a dns.TsigProvider, because the
// library's own knows no HMAC-MD5.
type key struct {
	name      delegation.Name
	algorithm string // as users write it
	wire      string // as messages have it: a domain name (RFC 8945 §6)
	hash      func() hash.Hash
	source    secret.Secret
	file      string // that source is in with the rest of the key, or ""

	mu  sync.Mutex
	raw []byte
}

// newKey checks everything but the secret, which may cost a command to read.
func newKey(c TSIG) (*key, error) {
	if c.File != "" {
		var err error
		if c, err = readKeyFile(c); err != nil {
			return nil, err
		}
	}
	if c.Name == "" {
		return nil, errors.New("name: it is missing")
	}
	if c.Secret.IsZero() {
		return nil, errors.New("secret: it is missing")
	}
	name, err := delegation.ParseName(c.Name)
	if err != nil {
		return nil, fmt.Errorf("name: %w", err)
	}
	k := &key{name: name, source: c.Secret, file: string(c.File)}
	k.algorithm = c.algorithm()
	k.wire, k.hash = algorithm(k.algorithm)
	if k.hash == nil {
		return nil, fmt.Errorf("algorithm: %q is none of hmac-sha256, hmac-sha384, hmac-sha512, hmac-sha224, hmac-sha1, hmac-md5", c.Algorithm)
	}
	return k, nil
}

// algorithm returns the name of the key's algorithm as it is usually written.
func (c TSIG) algorithm() string {
	return strings.TrimSuffix(strings.ToLower(cmp.Or(c.Algorithm, "hmac-sha256")), ".")
}

// algorithm returns an algorithm's name in messages and its hash function; nil
// if there is none of that name.
func algorithm(name string) (wire string, hash func() hash.Hash) {
	switch name {
	case "hmac-sha256":
		return dns.HmacSHA256, sha256.New
	case "hmac-sha384":
		return dns.HmacSHA384, sha512.New384
	case "hmac-sha512":
		return dns.HmacSHA512, sha512.New
	case "hmac-sha224":
		return dns.HmacSHA224, sha256.New224
	case "hmac-sha1":
		return dns.HmacSHA1, sha1.New
	case "hmac-md5", "hmac-md5.sig-alg.reg.int":
		return dns.HmacMD5, md5.New
	}
	return "", nil
}

// load reads the secret, once. No error contains it.
func (k *key) load(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.raw != nil {
		return nil
	}
	text, err := k.source.Reveal(ctx)
	if err != nil {
		return fmt.Errorf("tsig: %w", err)
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) == 0 {
		return fmt.Errorf("tsig: %w", k.unusable(fmt.Errorf("the secret of key %s is not base64", k.name)))
	}
	k.raw = raw
	return nil
}

func (k *key) unusable(cause error) error {
	if k.file != "" {
		return &secret.Error{Source: "file " + k.file, Err: cause}
	}
	return k.source.Error(cause)
}

// sign packs a message with a signature, and returns what the answer's
// signature covers. A nil key does not sign.
func (k *key) sign(m *dns.Msg) (packed []byte, mac string, err error) {
	if k == nil {
		packed, err = m.Pack()
		return packed, "", err
	}
	m.SetTsig(k.name.String(), k.wire, 300, time.Now().Unix())
	return dns.TsigGenerateWithProvider(m, k, "", false)
}

// check verifies an answer's signature (RFC 8945 §5.4). Refusals are unsigned
// when the server does not accept the key, and some servers sign answers to
// updates only; but what says that an update was done must be signed.
func (k *key) check(m *dns.Msg, packed []byte, requestMAC string) error {
	done := m.Opcode == dns.OpcodeUpdate && m.Rcode == dns.RcodeSuccess
	switch {
	case m.IsTsig() == nil && done:
		return errors.New("the answer to the update is not signed")
	case k == nil, m.IsTsig() == nil, m.Rcode == dns.RcodeNotAuth:
		return nil
	}
	if err := dns.TsigVerifyWithProvider(packed, k, requestMAC, false); err != nil {
		return fmt.Errorf("the answer's signature: %w", err)
	}
	return nil
}

// Generate returns the signature of a message.
func (k *key) Generate(msg []byte, _ *dns.TSIG) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	h := hmac.New(k.hash, k.raw)
	h.Write(msg)
	return h.Sum(nil), nil
}

// Verify checks the signature of a message.
func (k *key) Verify(msg []byte, t *dns.TSIG) error {
	if !strings.EqualFold(t.Hdr.Name, k.name.String()) || !strings.EqualFold(t.Algorithm, k.wire) {
		return dns.ErrSecret
	}
	got, err := hex.DecodeString(t.MAC)
	if err != nil {
		return err
	}
	want, err := k.Generate(msg, t)
	if err != nil {
		return err
	}
	if !hmac.Equal(got, want) {
		return dns.ErrSig
	}
	return nil
}
