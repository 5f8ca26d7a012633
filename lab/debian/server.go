package debian

import (
	"crypto/rand"
	"encoding/base64"
	"net/netip"
	"slices"
)

// Server says what a name server serves.
type Server struct {
	Addr  netip.AddrPort // zero: the site's next address
	Zones []Zone

	APIKey string // of PowerDNS's HTTP API; "": there is none
}

// Zone is one zone of a server: a primary's, with the zone's Text, or a
// secondary's, with the address of its Primary.
type Zone struct {
	Name string // absolute, lower case
	Text string // master file, SOA included; relative names are relative to the zone

	Grants  []Grant  // who may update it
	Signing *Signing // the server signs it, with keys that it makes itself; nil: not. A primary's, not NSD's.

	// Secondaries are told of every change. They need not be named in Text,
	// and every server of the site may transfer the zone whether it is told
	// or not. A secondary that is not listed here finds a change when the
	// SOA's refresh is over, or when Host.Notify tells it.
	Secondaries []netip.AddrPort

	Primary    netip.AddrPort // of a secondary: where it transfers the zone from, which runs already
	PrimaryKey Key            // signs transfers and what the primary says about them; zero: unsigned
}

// Grant lets the holder of a key update TXT records.
type Grant struct {
	Key   Key
	Owner string // absolute name of the one owner it may touch; "": any in the zone
}

// Key is a TSIG key (RFC 8945).
type Key struct {
	Name      string // without final dot
	Algorithm string // "hmac-sha256" and the like
	Secret    string // base64
}

// NewKey returns an hmac-sha256 key with a random secret.
func NewKey(name string) Key {
	secret := make([]byte, 32)
	rand.Read(secret)
	return Key{Name: name, Algorithm: "hmac-sha256", Secret: base64.StdEncoding.EncodeToString(secret)}
}

// keys returns the keys of all grants, each once.
func (v Server) keys() []Key {
	var keys []Key
	add := func(k Key) {
		if k.Name != "" && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	for _, z := range v.Zones {
		add(z.PrimaryKey)
		for _, g := range z.Grants {
			add(g.Key)
		}
	}
	return keys
}

// master returns the zone's master file.
func (z Zone) master() string {
	return "$ORIGIN " + z.Name + "\n$TTL 60\n" + z.Text + "\n"
}
