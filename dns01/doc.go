// Package dns01 writes validation records: it publishes them with the one
// credential that covers their place, waits until every authoritative server
// has them, and removes exactly what it published.
//
// A DNS provider is a libdns provider (append records, delete exactly these
// records); the packages below this one implement it for each kind of server
// or service. Provider values are only reached through a Credential, which
// refuses every record outside its scope.
//
// Implemented: RFC 8555 §8.4 (dns-01), RFC 9499 for its words.
package dns01
