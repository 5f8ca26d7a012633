// Package authority runs a small world of authoritative DNS servers inside the
// process: for tests, which can make each server late, lame, dead or a liar,
// and for the lab, which stays honest.
//
// A World is stated by its zones. Each zone names the servers that serve it,
// and the world adds what a registrar and a careful administrator would add:
// SOA and NS records where the text has none, the delegation in the closest
// enclosing zone, the servers' addresses and the glue, and a root, served by
// ns.root., where none is stated. The servers know nothing of each other but by DNS.
//
//	w := authority.New()
//	w.Zone("example.com.", `
//		_acme-challenge CNAME example-com.auth.example.net.
//		www             A     192.0.2.1
//	`, "ns1.example.net.")
//	auth := w.Zone("auth.example.net.", "", "ns1.example.net.", "ns2.example.net.")
//	key := auth.Key("certctl-auth")
//	w.Server("ns2.example.net.").Lag(500 * time.Millisecond)
//	w.Run(t)
//
// Run (or Start) opens one port, the same for all (see World.Listen), on a loopback address for
// each server, over UDP and TCP. Without it the world is still there for the
// Exchangers that UDP and TCP return: they reach the same servers without a
// socket, and wait by timers only, so that they work inside testing/synctest.
//
// Text of zones is part of the program that states it: where it is malformed,
// the functions here panic, as regexp.MustCompile does.
//
// Implemented: RFC 1034 §4.3.2 (answers), RFC 2136 (updates), RFC 2308
// (negative answers), RFC 4592 (wildcards), RFC 6672 (DNAME), RFC 6891 (EDNS),
// RFC 8945 (TSIG). There is no DNSSEC and no zone transfer: a secondary has
// what the primary had a fixed while ago.
package authority
