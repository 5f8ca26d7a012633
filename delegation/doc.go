// Package delegation finds out where a validation record belongs.
//
// A certificate authority that validates example.com by DNS looks up the TXT
// records at _acme-challenge.example.com, the challenge name. That name can be
// delegated in two ways: by an alias (CNAME, or DNAME above it) that leads to
// another owner name, or by NS records, a zone cut, that make it (or a name
// above it) a zone of its own on other servers. Both can be combined, and
// repeated. The Resolver follows the way that a validating resolver takes, by
// asking authoritative servers only, and returns the Target: the owner name at
// which the record must be written, the zone that the name is in, and every
// server that serves this zone.
//
// Nothing is guessed: there is no public-suffix list and no counting of
// labels, and an answer that is neither NOERROR nor NXDOMAIN is never taken to
// mean "not delegated".
//
// Implemented: RFC 1034 §4.3.2 and §5.3.3 (following referrals and aliases),
// RFC 2308 (negative answers), RFC 4592 (wildcards), RFC 6672 (DNAME),
// RFC 6891 (EDNS), RFC 8555 §8.4 (the challenge name). Words are those of
// RFC 9499.
package delegation
