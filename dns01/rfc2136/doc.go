// Package rfc2136 is the provider for name servers that take dynamic updates
// (RFC 2136) signed with a TSIG key (RFC 8945): BIND, Knot, PowerDNS and
// others.
//
// One call is one TCP connection and, whatever the number of records, one
// UPDATE, unless that would be longer than a DNS message can be. Records are
// added beside those that are there, with the TTL that the record set has; they
// are removed value by value, never as a set.
//
// NOERROR proves nothing: servers drop a TXT record at an alias, keep one below
// a zone cut where nobody sees it, or have a policy that discards in silence.
// So every value is read back from the server that took the update.
//
// Implemented: RFC 2136 §2.5.1 and §2.5.4 (adding and deleting single
// records), RFC 7766 §6.2.1 (queries in one connection), RFC 8945 (TSIG).
package rfc2136
