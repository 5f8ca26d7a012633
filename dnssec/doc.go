// Package dnssec tells whether a validating resolver believes what the DNS says
// about a name, and if not, which zone is to blame.
//
// A signed zone publishes its public keys (DNSKEY) and a signature (RRSIG)
// beside each set of its records. That alone proves nothing, as anybody can
// make keys. So the zone above publishes a digest of the child's key (DS) and
// signs that with its own key, which the zone above it vouches for in the same
// way, up to the root, whose key every resolver has from the start: the trust
// anchor. This is the chain of trust, and each link of it is:
//
//	parent's key  signs  DS  is the digest of  child's key  signs  child's keys
//
// What is not there is signed too, or anybody could leave records out. NSEC and
// NSEC3 records say "between these two names there is none" and "this name has
// these types only". They prove that a name does not exist, that it has no
// record of a type, that a wildcard was right to answer, and that a child has
// no DS record. The last of these ends the chain in good order.
//
// So there are four verdicts (RFC 4033 §5). Secure: the chain holds down to the
// records. Insecure: it ends where the parent proves that the child is not
// signed, or where there is no anchor, or no known algorithm; resolvers then
// believe what they are told. Bogus: it is broken, resolvers answer SERVFAIL,
// and a CA must not issue. Indeterminate: no server said enough to judge, or what
// it said cannot be checked here.
//
// An unsigned zone below a signed parent, as a delegated _acme-challenge often
// is, is insecure and fine. A zone that was signed once, and whose DS record
// stayed behind in the parent when it moved, is bogus: the name of the mistake
// behind most Reasons.
//
// A Validator asks authoritative servers for everything and believes nothing
// else. It judges one name at a time (Validate), or all that aliases lead to
// (Follow), as any of their zones can break the validation.
//
// Implemented: RFC 4033, RFC 4034, RFC 4035, RFC 4509 and RFC 5702 (SHA-2),
// RFC 5155 (NSEC3), RFC 6605 (ECDSA), RFC 6672 §5.3 (DNAME), RFC 6840
// (clarifications), RFC 8080 (Ed25519, not Ed448), RFC 8914 (error codes),
// RFC 9276 (NSEC3 iterations). Where they leave a choice, the choice is that of
// Unbound, which CAs use.
package dnssec
