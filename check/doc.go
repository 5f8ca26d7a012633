// Package check finds out before an order what would make it fail, or fail one
// day: everything about a name's delegation, credential, servers and CAA
// records that can be known without the certificate authority, and without a
// write.
//
// The story is in check.go. Each of the other files has one subject: it looks,
// and says what it sees as findings. A Finding has a Code from the table in
// code.go, which says how severe it is and what it means, the name that it is
// about, the evidence (which server said what), and a remedy.
//
// An error is a contradiction that authoritative servers have shown, or a
// refusal of the server that is to be written to: an order fails, or fails with
// some luck only. What is merely unwise, and what could not be seen, is a
// warning. How things are is info.
//
// Servers are asked as validating resolvers of CAs ask them: without recursion,
// in mixed case, with EDNS over UDP and over TCP.
//
// Implemented: RFC 1912 §2.8, RFC 2182 §5 and RFC 9471 (name servers and glue),
// RFC 2308 §5 (negative TTL), RFC 4592 §2.2.2 (empty non-terminals), RFC 6891
// and RFC 7766 (EDNS and TCP), RFC 8020 (NXDOMAIN), RFC 8659 and RFC 8657 (CAA).
package check
