package nameserver

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"time"

	"github.com/miekg/dns"

	"certctl/delegation"
)

// keyring is the TSIG keys of a server by name. It is a dns.TsigProvider.
type keyring map[delegation.Name]tsigKey

type tsigKey struct {
	algorithm string // as messages have it
	hash      func() hash.Hash
	secret    []byte
}

// algorithms are those of RFC 8945 §6 that are fit for use; no MD5.
var algorithms = map[string]func() hash.Hash{
	dns.HmacSHA1: sha1.New, dns.HmacSHA224: sha256.New224, dns.HmacSHA256: sha256.New,
	dns.HmacSHA384: sha512.New384, dns.HmacSHA512: sha512.New,
}

func newKeyring(keys []Key) (keyring, error) {
	ring := keyring{}
	for _, k := range keys {
		algorithm := dns.CanonicalName(k.Algorithm)
		switch {
		case algorithms[algorithm] == nil:
			return nil, fmt.Errorf("key %s: %q is none of hmac-sha256, hmac-sha384, hmac-sha512, hmac-sha224, hmac-sha1", k.Name.Bare(), k.Algorithm)
		case len(k.Secret) == 0:
			return nil, fmt.Errorf("key %s: it has no secret", k.Name.Bare())
		case ring[k.Name].secret != nil:
			return nil, fmt.Errorf("key %s: it is there twice", k.Name.Bare())
		}
		ring[k.Name] = tsigKey{algorithm, algorithms[algorithm], k.Secret}
	}
	return ring, nil
}

// Generate returns the signature of a message.
func (r keyring) Generate(msg []byte, t *dns.TSIG) ([]byte, error) {
	k, ok := r[delegation.Name(dns.CanonicalName(t.Hdr.Name))]
	if !ok || k.algorithm != dns.CanonicalName(t.Algorithm) {
		return nil, dns.ErrSecret
	}
	h := hmac.New(k.hash, k.secret)
	h.Write(msg)
	return h.Sum(nil), nil
}

// Verify checks the signature of a message.
func (r keyring) Verify(msg []byte, t *dns.TSIG) error {
	want, err := r.Generate(msg, t)
	if err != nil {
		return err
	}
	got, err := hex.DecodeString(t.MAC)
	if err != nil || !hmac.Equal(got, want) {
		return dns.ErrSig
	}
	return nil
}

// tsigFudge is by how many seconds clocks may differ (RFC 8945 §10).
const tsigFudge = 300

// verify checks the signature of a message that has one.
func (r keyring) verify(packed []byte, t *dns.TSIG) (tsigError uint16) {
	err := dns.TsigVerifyWithProvider(packed, r, "", false)
	switch {
	case err == nil:
		return dns.RcodeSuccess
	case errors.Is(err, dns.ErrTime):
		return dns.RcodeBadTime
	case errors.Is(err, dns.ErrSecret):
		return dns.RcodeBadKey
	}
	return dns.RcodeBadSig
}

// sign packs an answer with a signature, as the question had one, or with the
// word on what is wrong with that one (RFC 8945 §5.3).
func (r keyring) sign(reply *dns.Msg, asked *dns.TSIG, tsigError uint16) ([]byte, error) {
	t := &dns.TSIG{
		Hdr:       dns.RR_Header{Name: asked.Hdr.Name, Rrtype: dns.TypeTSIG, Class: dns.ClassANY},
		Algorithm: asked.Algorithm, TimeSigned: uint64(time.Now().Unix()), Fudge: tsigFudge,
		OrigId: reply.Id, Error: tsigError,
	}
	if tsigError == dns.RcodeBadTime {
		t.TimeSigned, t.OtherLen, t.OtherData = asked.TimeSigned, 6, fmt.Sprintf("%012x", time.Now().Unix())
	}
	reply.Extra = append(reply.Extra, t)
	packed, _, err := dns.TsigGenerateWithProvider(reply, r, asked.MAC, false)
	return packed, err
}
