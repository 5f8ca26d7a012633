// Package lab is a certificate authority and a DNS in which names are
// delegated, both thrown away at the end: for certctl lab, for tests and for
// CI pipelines.
//
// The CA is Pebble, which is made to be hostile: it rejects good nonces,
// reuses authorizations and offers challenges that no client asked for. The
// DNS has a root, top-level domains and authoritative servers on loopback
// addresses of their own; Pebble validates through a recursive resolver that
// starts at that root. Nothing here leaves the machine or needs a privilege.
package lab
