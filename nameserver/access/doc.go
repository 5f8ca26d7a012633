// Package access decides who may put which value where, and keeps out those
// who guess. The ways to put a value in (signed updates, the HTTP interfaces)
// find out who it is, and leave the rest to a Desk: it checks the grant and the
// value, writes, and notes in the audit log who set what, when and from where.
package access
