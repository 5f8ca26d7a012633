// Package update takes values by signed dynamic updates, as nsupdate and
// certctl's own provider rfc2136 send them.
//
// An update is signed with a key of its own (HMAC-SHA-256, -384 or -512), which
// has rights to certain names. It may add TXT records there, and remove those
// that it has added itself; a removal of all records at a name removes those. It
// changes nothing else. Sender and address of a message over UDP may be made
// up, so only failures over TCP count towards a lock-out.
//
// Implemented: RFC 2136 (updates, with all prerequisites), RFC 8945 (TSIG).
package update
