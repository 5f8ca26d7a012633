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
// A Resolver starts at the root and goes down from zone to zone by referrals.
// What it learns of zone cuts it keeps for the run, so that a hundred names ask
// the root once. It asks every question in the type CNAME: the answer is the
// alias, or a negative answer with the SOA record of the zone that the name is
// in, or a referral further down, and nothing else means anything. Each alias
// is the beginning of another way from the closest known zone. At the end are
// the servers, those that the zone names itself and those that its parent
// names, with every address.
//
// Recursive resolvers are asked for two things, the names of the root servers
// and the addresses of name servers. They are never asked for a challenge name
// or what it leads to: they would remember that there is no record, and tell
// the certificate authority so when there is one.
//
// Where authoritative servers cannot be asked, because port 53 is closed or
// something on the way answers in their place, the recursive resolvers are
// asked for everything instead, over TLS or HTTPS too. That is said, and the
// Target is marked (Proxied).
//
// Whatever servers answer, one name costs no more than Limit allows. What each
// server of a zone says, and not only the one that was asked first, Observe
// tells; for the whole way there is package trace.
//
// Nothing is guessed: there is no public-suffix list and no counting of
// labels, and an answer that is neither NOERROR nor NXDOMAIN is never taken to
// mean "not delegated".
//
// Implemented: RFC 1034 §4.3.2 and §5.3.3 (following referrals and aliases),
// RFC 2308 (negative answers), RFC 4592 (wildcards), RFC 6672 (DNAME),
// RFC 6891 (EDNS), RFC 7858 (DNS over TLS), RFC 8484 (DNS over HTTPS),
// RFC 8555 §8.4 (the challenge name). Words are those of RFC 9499.
package delegation
