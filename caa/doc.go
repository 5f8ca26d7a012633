// Package caa finds the CAA records that bind a certificate authority for a
// name, and judges whether they let one issue.
//
// CAA records say which CAs may issue certificates for a domain and everything
// below it. A CA looks at the name itself and, where it finds none, climbs
// label by label up to the top-level domain; at each name it follows aliases. So
// does the Finder, but it asks every authoritative server, because a CA may ask
// any of them. A Set is what was found; Judge reads it as a CA must. Two names
// of one certificate may be bound by different sets, and a wildcard by other
// records of the same set.
//
// Implemented: RFC 8659 (CAA; climbing in §3, properties in §4), RFC 8657
// (accounturi and validationmethods).
package caa
