// Package persist reads and writes the records of dns-persist-01
// (draft-ietf-acme-dns-persist): TXT records that stay, and let a certificate
// authority issue to one account for as long as they do.
//
//	_validation-persist.example.com. IN TXT "ca.example; accounturi=https://ca.example/acct/1; policy=wildcard"
//
// There is one record for each CA and account, in the syntax of the values of
// CAA records (RFC 8659 §4.2); those of several CAs stand side by side. The
// account is named by its URL, or, since the draft's third version, by a hash
// of it: then nobody can read from the DNS which names belong together.
//
// Whoever holds the key of the account gets certificates for as long as such a
// record stands.
package persist
