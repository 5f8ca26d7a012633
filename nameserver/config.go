package nameserver

import (
	"log/slog"
	"net/netip"
	"time"

	"certctl/delegation"
	"certctl/nameserver/values"
)

// Config says what a server is.
type Config struct {
	Listen []netip.AddrPort // addresses to answer at, over UDP and TCP
	Zones  []Zone
	Keys   []Key
	Rate   Rate
	NSID   string // name of this server, told who asks for it (RFC 5001); "": not told

	Values   *values.Store
	Updates  Updater      // takes updates; nil: they are refused
	Observer Observer     // is told of every query; may be nil
	Audience Audience     // answers keys that want to know who has asked; nil: that is refused
	Log      *slog.Logger // nil: none
}

// Zone is a zone of the server, or a family of zones.
type Zone struct {
	// Name is the zone's apex. With Family it is the name at and below which
	// every name that starts with _acme-challenge is a zone of its own.
	Name   delegation.Name
	Family bool

	// Servers are the zone's name servers, this one among them; the first is the
	// primary in the SOA record. One at least.
	Servers []Host

	// Records are further fixed records in master-file format, one each. Relative
	// names are relative to the zone. Types: A, AAAA, CAA, HTTPS, MX, SRV, SVCB,
	// TLSA, TXT.
	Records []string

	// Secondaries are told of changes, and get the zone when they ask with their
	// key. One with a Signer they get with all signatures and the chain of NSEC
	// records, whatever proves absence here; those of our own kind sign themselves.
	Secondaries []Peer

	// Primary is where the zone's values come from; nil: they are put here. With
	// Family it is a server of our own kind.
	Primary *Peer

	// Signer signs the zone's answers; nil: nobody does. With Family, those of
	// all zones.
	Signer *Signer

	// NSEC proves what does not exist by a chain of all names (RFC 4035 §3.1.3),
	// instead of in the compact way (RFC 9824). Only with a Signer.
	NSEC bool

	TTL         time.Duration // of values that have none of their own; 0: DefaultTTL
	NegativeTTL time.Duration // how long it is remembered that there is nothing; 0: DefaultNegativeTTL
}

// Host is a name server.
type Host struct {
	Name  delegation.Name
	Addrs []netip.Addr // served where Name is in one of the server's zones
}

// Peer is another server of a zone.
type Peer struct {
	Addr netip.AddrPort
	Key  delegation.Name // of Config.Keys
}

// Key is a TSIG key (RFC 8945).
type Key struct {
	Name      delegation.Name
	Algorithm string // hmac-sha256 and the like, without the final dot
	Secret    []byte
}

const (
	DefaultTTL         = time.Minute
	DefaultNegativeTTL = 10 * time.Second
)
