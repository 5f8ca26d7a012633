// Package powerdns is the provider for zones at a PowerDNS Authoritative Server,
// over its HTTP API.
//
// Servers since 4.9.12 and 5.0.2 add and remove single values (EXTEND, PRUNE),
// those of many names in one request. Older ones replace record sets: see package
// rrset for how nobody loses a value. Which of the two a server does is found out
// by the first request.
//
// The API has one key, for the whole server. RFC 2136 with a TSIG key, which is
// for one zone, is the narrower way: provider rfc2136.
package powerdns
