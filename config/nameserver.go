package config

import (
	"strings"
	"time"

	"certctl/address"
	"certctl/secret"
)

// NameServer is the name server for challenge zones, "certctl nameserver".
type NameServer struct {
	// Listen are the addresses to answer at, over UDP and TCP, as address or
	// address:port (port 53 if none is given). Not used where systemd hands over
	// sockets.
	Listen []address.Endpoint `yaml:"listen"`

	// User is the user to become when the sockets are open, for a start as root.
	// Default: stay who one is.
	User string `yaml:"user"`

	// State is the directory for the values, relative to this file. Default:
	// nameserver in the state directory.
	State secret.Path `yaml:"state"`

	// RateLimit says how much is answered over UDP to those who may not be who
	// they say.
	RateLimit RateLimit `yaml:"rate_limit"`

	// Servers maps the names of the zones' name servers to their addresses; the
	// first is the primary. Zones may have others.
	Servers []*NameServerHost `yaml:"servers"`

	// Zones maps names of zones to what is special about each; often nothing. A
	// zone is one that CNAME records lead to (auth.example.net), a challenge name
	// that is delegated by NS (_acme-challenge.www.example.com), or all challenge
	// names of a domain and those below it (_acme-challenge.*.example.com).
	Zones []*NameServerZone `yaml:"zones"`

	// Secondaries are servers that have the zones too: they are told of changes and
	// get the zones. Zones may have others.
	Secondaries []*NameServerPeer `yaml:"secondaries"`

	// Primary is the certctl nameserver that the values of all zones come from:
	// then this one is a secondary, and takes none itself. Without it, it is the
	// primary; taking this key out makes it one.
	Primary *NameServerPeer `yaml:"primary"`

	// Keys maps names of TSIG keys to the keys: for updates and transfers.
	Keys []*NameServerKey `yaml:"keys"`

	// Lifetime is how long a value stays that nobody removes. Default: 1h.
	Lifetime time.Duration `yaml:"lifetime"`

	// API takes values over HTTP. Default: none.
	API *NameServerAPI `yaml:"api"`

	// Metrics shows numbers to Prometheus. Default: none.
	Metrics *NameServerMetrics `yaml:"metrics"`

	// NSID is a name for this server, told to those who ask for it with dig +nsid.
	// Default: none.
	NSID string `yaml:"nsid"`
}

// RateLimit limits answers over UDP, so that the server cannot be made to flood
// somebody. Who comes over TCP, or with a DNS cookie, is not limited.
type RateLimit struct {
	// Answers is how many answers a second about one name are sent to one network
	// (IPv4 /24, IPv6 /56), and ten times as many about all names. 0 is no limit.
	Answers int `yaml:"answers" default:"100"`

	// Exempt are networks that are not limited, like 192.0.2.0/24.
	Exempt []Network `yaml:"exempt"`
}

func (r *RateLimit) check(at place) {
	if r.Answers < 0 || r.Answers > 10_000 {
		at.problem("answers", "answers: 0 to 10000 are expected")
	}
}

// NameServerHost is the name server of a zone.
type NameServerHost struct {
	// Name is its host name, in lower case without a final dot.
	Name string `yaml:",key"`

	// Addresses are its IP addresses. They are served where the name is in one of
	// the zones, and are what its parent zone needs as glue.
	Addresses []address.Address `yaml:"addresses"`
}

// NameServerZone is a zone of the name server.
type NameServerZone struct {
	// Name is the zone's name, in lower case without a final dot.
	Name string `yaml:",key"`

	// Servers maps the names of this zone's name servers to their addresses.
	// Default: those of all zones.
	Servers []*NameServerHost `yaml:"servers"`

	// Records are further fixed records of the zone, in master-file format, like
	// "@ CAA 0 issue \"letsencrypt.org\"". Names are relative to the zone.
	Records []string `yaml:"records"`

	// TTL is the time to live of values that come without one, in whole seconds.
	// Default: 60s.
	TTL time.Duration `yaml:"ttl"`

	// NegativeTTL is how long resolvers remember that there is no record, in
	// whole seconds. Default: 10s.
	NegativeTTL time.Duration `yaml:"negative_ttl"`

	// Secondaries are this zone's. Default: those of all zones.
	Secondaries []*NameServerPeer `yaml:"secondaries"`

	// Primary is where this zone's values come from. Default: that of all zones.
	Primary *NameServerPeer `yaml:"primary"`

	// DNSSEC signs the zone. See certctl nameserver ds for the record that its
	// parent zone needs. Default: false.
	DNSSEC bool `yaml:"dnssec"`

	// Denial is how a signed zone proves that a name or type does not exist.
	// "compact" makes a proof for each question (RFC 9824): it shows no other names,
	// and says that the name exists, but without records. "nsec" has NSEC records
	// that lead from one name to the next, and answers NXDOMAIN. Secondaries of other
	// kinds always do the latter: with "nsec" all servers answer alike.
	Denial string `yaml:"denial" default:"compact" enum:"compact,nsec"`
}

// NameServerPeer is another server of a zone.
type NameServerPeer struct {
	// Address is where it answers, as address or address:port (port 53 if none is
	// given).
	Address address.Endpoint `yaml:"address" required:"true"`

	// Key is the name of the TSIG key, one of those below keys, that signs
	// transfers and what is said about them.
	Key string `yaml:"key" required:"true"`
}

// NameServerKey is a TSIG key of the name server.
type NameServerKey struct {
	// Name is the key's name, without a final dot.
	Name string `yaml:",key"`

	// Algorithm is what the key is for.
	Algorithm string `yaml:"algorithm" default:"hmac-sha256" enum:"hmac-sha256,hmac-sha384,hmac-sha512,hmac-sha224,hmac-sha1"`

	// Secret is the key in base64.
	Secret secret.Secret `yaml:"secret" required:"true"`

	// Names are the names where updates with the key may put and remove TXT
	// records. Default: none.
	Names []string `yaml:"names"`

	// Subtrees are names at and below which they may. Default: none.
	Subtrees []string `yaml:"subtrees"`

	// AnyValue allows other values than those of challenges, which have 43
	// characters of base64url.
	AnyValue bool `yaml:"any_value"`

	// From are the networks that updates may come from. Default: all.
	From []Network `yaml:"from"`
}

// Family returns the name below which all challenge names are zones, for a
// zone with a star.
func (z *NameServerZone) Family() (name string, ok bool) {
	return strings.CutPrefix(z.Name, "_acme-challenge.*.")
}

func (n *NameServer) check(at place) {
	if n.User != "" && n.API != nil && n.API.Certificate != "" {
		at.problem("api", "api: certificate: the user %s could not read it when it is renewed: have it copied with install:, and name the copies with chain: and key:", printable(n.User))
	}
	if n.Metrics != nil && n.Metrics.TLS && (n.API == nil || !n.API.TLS()) {
		at.problem("metrics", "metrics: tls: the certificate is that of the API, which has none: name one below api:")
	}
	if len(n.Zones) == 0 {
		at.problem("zones", "nameserver: zones: one is expected at least, like auth.example.net")
	}
	for _, z := range n.Zones {
		if len(z.Servers) == 0 && len(n.Servers) == 0 && !at.has("servers") {
			at.problem("zones", "nameserver: zone %s has no name servers: write them below servers:, for all zones or for it", printable(z.Name))
		}
	}
}

func (z *NameServerZone) check(at place) {
	z.Name = normal(z.Name)
	name := z.Name
	if below, ok := z.Family(); ok {
		name = below
	}
	if err := checkDomain(name); err != nil {
		at.problem("", "zone %s: %w", printable(z.Name), err)
	}
	if at.has("denial") && !z.DNSSEC {
		at.problem("denial", "denial: it is for signed zones: dnssec: true signs this one")
	}
	if z.TTL%time.Second != 0 {
		at.problem("ttl", "ttl: whole seconds are expected")
	}
	if z.NegativeTTL%time.Second != 0 {
		at.problem("negative_ttl", "negative_ttl: whole seconds are expected")
	}
}

func (*NameServerHost) example() string {
	return "servers: {ns1.example.net: {addresses: [192.0.2.53, \"2001:db8::53\"]}}"
}

func (h *NameServerHost) check(at place) {
	h.Name = normal(h.Name)
	if err := checkDomain(h.Name); err != nil {
		at.problem("", "servers: %s: %w", printable(h.Name), err)
	}
}

func (k *NameServerKey) check(at place) {
	checkRights(at, k.Names, k.Subtrees)
	k.Name = normal(k.Name)
	if err := checkDomain(k.Name); err != nil {
		at.problem("", "keys: %s: a name like a domain's is expected", printable(k.Name))
	}
}

// SecondariesOf returns the secondaries of a zone.
func (n *NameServer) SecondariesOf(z *NameServerZone) []*NameServerPeer {
	if len(z.Secondaries) > 0 {
		return z.Secondaries
	}
	return n.Secondaries
}

// PrimaryOf returns where a zone's values come from; nil: they are put here.
func (n *NameServer) PrimaryOf(z *NameServerZone) *NameServerPeer {
	if z.Primary != nil {
		return z.Primary
	}
	return n.Primary
}

// HostsOf returns the name servers of a zone.
func (n *NameServer) HostsOf(z *NameServerZone) []*NameServerHost {
	if len(z.Servers) > 0 {
		return z.Servers
	}
	return n.Servers
}
