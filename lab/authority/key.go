package authority

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Key is a TSIG key (RFC 8945).
type Key struct {
	Name      string // without the final dot
	Algorithm string // hmac-sha256 and the like, without the final dot
	Secret    string // base64
}

// NewKey returns a new key for hmac-sha256.
func NewKey(name string) Key {
	secret := make([]byte, 32)
	rand.Read(secret)
	return Key{Name: name, Algorithm: "hmac-sha256", Secret: base64.StdEncoding.EncodeToString(secret)}
}

// String returns the key's name.
func (k Key) String() string { return k.Name }

// grant lets a key update a zone.
type grant struct {
	key    Key
	owners []string // canonical; none: all names and types
}

// allows reports whether the grant covers a change to rr: any record, or TXT
// at one of the owners.
func (g grant) allows(rr dns.RR) bool {
	h := rr.Header()
	return len(g.owners) == 0 ||
		h.Rrtype == dns.TypeTXT && slices.Contains(g.owners, dns.CanonicalName(h.Name))
}

// Key makes a new key that may update the zone, in whole, or only TXT records
// at exactly the given owner names (relative to the apex, or absolute). A zone
// without keys takes no updates.
func (z *Zone) Key(name string, owners ...string) Key {
	k := NewKey(name)
	z.Allow(k, owners...)
	return k
}

// Allow lets a key update the zone, as Key does.
func (z *Zone) Allow(k Key, owners ...string) *Zone {
	g := grant{key: k}
	for _, o := range owners {
		g.owners = append(g.owners, absolute(o, z.apex))
	}
	z.world.mu.Lock()
	defer z.world.mu.Unlock()
	z.grants = append(z.grants, g)
	return z
}

// absolute returns a name of master-file text as a canonical name.
func absolute(name, origin string) string {
	switch {
	case name == "@":
		return origin
	case dns.IsFqdn(name):
		return dns.CanonicalName(name)
	}
	return dns.CanonicalName(below(name, origin))
}

// keyLabel returns a key's name as Key has it.
func keyLabel(name string) string { return strings.TrimSuffix(dns.CanonicalName(name), ".") }

// grant returns what the key with this name may do in the zone.
func (z *Zone) grant(key string) (grant, bool) {
	for _, g := range z.grants {
		if keyLabel(g.key.Name) == keyLabel(key) {
			return g, true
		}
	}
	return grant{}, false
}

// keyring is the keys of all zones that a server serves, as a TsigProvider.
type keyring struct{ *Server }

// key returns the key that a signature claims to be made with.
func (r keyring) key(t *dns.TSIG) (Key, error) {
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	for _, z := range r.world.zones {
		if g, ok := z.grant(t.Hdr.Name); ok && r.serves(z) {
			if keyLabel(g.key.Algorithm) != keyLabel(t.Algorithm) {
				return Key{}, dns.ErrKeyAlg
			}
			return g.key, nil
		}
	}
	return Key{}, dns.ErrSecret
}

// Generate signs msg.
func (r keyring) Generate(msg []byte, t *dns.TSIG) ([]byte, error) {
	k, err := r.key(t)
	if err != nil {
		return nil, err
	}
	return k.sign(msg)
}

// Verify checks key, signature and time, in the order of RFC 8945 §5.2.
func (r keyring) Verify(msg []byte, t *dns.TSIG) error {
	want, err := r.Generate(msg, t)
	if err != nil {
		return err
	}
	got, err := hex.DecodeString(t.MAC)
	if err != nil || !hmac.Equal(got, want) {
		return dns.ErrSig
	}
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	apart := r.clock().Sub(time.Unix(int64(t.TimeSigned), 0))
	if apart.Abs() > time.Duration(t.Fudge)*time.Second {
		return dns.ErrTime
	}
	return nil
}

// clock is the time as the server has it.
func (s *Server) clock() time.Time { return time.Now().Add(s.fault.ClockAhead) }

// sign returns the signature of msg.
func (k Key) sign(msg []byte) ([]byte, error) {
	secret, err := base64.StdEncoding.DecodeString(k.Secret)
	if err != nil {
		return nil, dns.ErrSecret
	}
	algorithms := map[string]func() hash.Hash{
		"hmac-sha1": sha1.New, "hmac-sha224": sha256.New224, "hmac-sha256": sha256.New,
		"hmac-sha384": sha512.New384, "hmac-sha512": sha512.New,
	}
	algorithm, ok := algorithms[keyLabel(k.Algorithm)]
	if !ok {
		return nil, dns.ErrKeyAlg
	}
	h := hmac.New(algorithm, secret)
	h.Write(msg)
	return h.Sum(nil), nil
}
