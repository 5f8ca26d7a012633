// Package desec is the provider for domains at deSEC, over version 1 of its API,
// which a server of one's own may have as well. Record sets are replaced, those of
// many names in one request; see package rrset for how nobody loses a value.
//
// A token may be limited to one record set: it is the narrowest key of all
// services.
package desec
