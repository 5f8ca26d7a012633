package lab

import (
	"fmt"
	"time"

	"certctl/lab/authority"
)

// Builder is a world to which zones and names are still added.
type Builder struct {
	World *authority.World

	// Main is example.com, the zone that takes no updates, and Other is
	// example.net, which holds the challenge zone. Neither has a key.
	Main, Other *authority.Zone

	zones []Zone
	names []name
}

// name is a name of the world and how its challenge is delegated, for
// Describe.
type name struct {
	domain, how string
	zone        Zone
}

// Challenge adds a zone that takes updates with a new key of the given name,
// and its entry in the configuration. It is otherwise as
// (*authority.World).Zone.
func (b *Builder) Challenge(key, apex, text string, servers ...string) Zone {
	z := b.World.Zone(apex, text, servers...)
	b.zones = append(b.zones, Zone{z, z.Key(key)})
	return b.zones[len(b.zones)-1]
}

// Name adds a line to what Describe tells: a domain, how its challenge name is
// delegated, and the zone in which the record ends up.
func (b *Builder) Name(domain, how string, zone Zone) {
	b.names = append(b.names, name{domain, how, zone})
}

// late is how long after its primary the second server of the challenge zone
// has a change.
const late = 500 * time.Millisecond

// standard is the world of certctl lab.
func standard() *Builder {
	b := &Builder{World: authority.New()}
	w := b.World
	w.Zone(".", "", "a.root-servers.net.")
	for _, tld := range []string{"com.", "net.", "org."} {
		w.Zone(tld, "", "a.gtld-servers.net.")
	}
	b.Main = w.Zone("example.com.", `
		@    A 192.0.2.1
		www  A 192.0.2.1
		shop A 192.0.2.1
		mail A 192.0.2.2
		_acme-challenge      CNAME example-com.auth.example.net.
		_acme-challenge.mail CNAME example-com.auth.example.net.
		_acme-challenge.shop CNAME _acme-challenge.shop.example.org.
		old                  DNAME old.auth.example.net.
	`, "ns1.example.com.", "ns2.example.com.")
	b.Other = w.Zone("example.net.", "", "ns1.example.net.", "ns2.example.net.")
	auth := b.Challenge("certctl-auth", "auth.example.net.", "", "ns1.example.net.", "ns2.example.net.")
	w.Server("ns2.example.net.").Lag(late)
	www := b.Challenge("certctl-www", "_acme-challenge.www.example.com.", "", "ns1.acme.example.com.", "ns2.acme.example.com.")
	dev := b.Challenge("certctl-dev", "dev.example.com.", "@ A 192.0.2.3", "ns1.example.com.", "ns2.example.com.")
	org := b.Challenge("certctl-org", "example.org.", `
		@     A 192.0.2.4
		plain A 192.0.2.4
		_acme-challenge.shop CNAME shop.auth.example.net.
	`, "ns1.example.org.")

	b.Name("example.com", "CNAME to example-com.auth.example.net", auth)
	b.Name("mail.example.com", "CNAME to the same label", auth)
	b.Name("shop.example.com", "CNAME by way of example.org", auth)
	b.Name("www.old.example.com", "DNAME to old.auth.example.net", auth)
	b.Name("www.example.com", "NS", www)
	b.Name("dev.example.com", "nothing; a zone of its own", dev)
	b.Name("plain.example.org", "nothing", org)
	return b
}

// Many returns n names, n000.example.com and onward, and an extension of the
// world that delegates them, the even ones by CNAME into one zone and the odd
// ones by NS into a zone and with a key for each. Their servers have every
// change at once.
func Many(n int) (names []string, extend func(*Builder)) {
	for i := range n {
		names = append(names, fmt.Sprintf("n%03d.example.com", i))
	}
	return names, func(b *Builder) {
		servers := []string{"ns3.example.net.", "ns4.example.net."}
		many := b.Challenge("certctl-many", "many.example.net.", "", servers...)
		for i, name := range names {
			challenge := "_acme-challenge." + name + "."
			if i%2 == 0 {
				b.Main.Text(fmt.Sprintf("%s CNAME n%03d.%s", challenge, i, many.Apex()))
			} else {
				b.Challenge(fmt.Sprintf("certctl-n%03d", i), challenge, "", servers...)
			}
		}
	}
}
