// Package hostile is a certificate authority for tests: one that does what
// Pebble cannot. It keeps the rate limits of Let's Encrypt and counts who runs
// into them, it is down for days, answers 429 and 500 in every shape, leaves
// orders in processing, turns them invalid, issues for another key, suggests
// renewals (RFC 9773) and moves those windows to the past.
//
// It is an http.RoundTripper: there is no socket, and nothing but timers is
// waited for, so that it works inside testing/synctest, where years take
// seconds. What it issues are real certificates, whose lifetimes are the test's
// choice, and it looks at the DNS of a lab's World.
//
// Implemented: RFC 8555 for accounts with ECDSA P-256 keys and dns-01, RFC 9773,
// profiles, and dns-persist-01 in all versions of its draft. The signature, the nonce and the URL of every request are
// checked.
package hostile
