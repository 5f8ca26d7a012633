// Package acmedns is the provider for acme-dns, the small DNS server whose HTTP
// API (POST /update) gives each registration the TXT records of one name, to
// which _acme-challenge of a domain is an alias. The registration is the
// narrowest key there is.
//
// acme-dns keeps the two newest values of a registration and removes none.
// So there is nothing to do to remove a value: it stays, worthless, until later
// ones push it out. And a third value while two are in use would push out one of
// them: it is an error before anything is sent. So more than two names at one
// registration are served two at a time (dns01.Limiter), which takes as many
// rounds of waiting; with registrations of their own they take one.
//
// What was published in this run counts. Somebody else who uses the same
// registration at the same time is not seen.
//
// Values are 43 characters of base64url, as RFC 8555 §8.4 has them; acme-dns
// takes no others.
package acmedns
