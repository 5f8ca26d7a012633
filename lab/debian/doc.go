// Package debian starts the name servers that Debian 12 ships, for tests: BIND
// 9.18, Knot 3.2, PowerDNS 4.7 and NSD with zones of the test's making, and
// Unbound as the resolver that a certificate authority asks. BIND and Knot
// Resolver 5.6 resolve, too.
//
// All servers of one test are a Site: a network of loopback addresses and one
// port. The port is 53 where this process may bind it (as root), so that
// referrals from one server to another work as they do on the Internet.
// Everybody else gets a high port; then Unbound, which follows referrals to
// port 53 only, is told where each zone of the site is.
//
//	site := debian.New(t)
//	primary, secondary := site.Addr(), site.Addr()
//	site.BIND(debian.Server{Addr: primary, Zones: []debian.Zone{{
//		Name:        "auth.example.net.",
//		Text:        "@ SOA ns1 hostmaster 1 3600 600 86400 60\n …",
//		Grants:      []debian.Grant{{Key: key, Owner: "www.auth.example.net."}},
//		Secondaries: []netip.AddrPort{secondary},
//	}}})
//	site.Knot(debian.Server{Addr: secondary, Zones: []debian.Zone{{
//		Name:    "auth.example.net.",
//		Primary: primary,
//	}}})
//
// Zones are signed by their server (Zone.Signing), or by hand (Sign), which is
// how a zone comes to have expired signatures. Host.DS and SignedRoot make the
// chain of trust.
//
// A server answers for all of its zones when the call that starts it returns,
// and is gone when the test is over. A test that needs a server which is not
// installed is skipped, or fails where the environment variable
// CERTCTL_REQUIRE_SERVERS is set. CERTCTL_SERVERS names a directory into which
// packages of a later Debian were unpacked: its servers are then taken.
package debian
