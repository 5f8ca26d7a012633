// Package acme talks to a certificate authority as RFC 8555 says: directory,
// account, order, authorizations, finalize, certificate. It stands on
// golang.org/x/crypto/acme and adds what that lacks: polling that looks early
// and honours Retry-After, finalization without a fixed sleep, newOrder with
// "replaces" (RFC 9773) and problem documents shown in full.
package acme
