// Package linode is the provider for domains at Linode (Akamai), over version 4
// of its API. Records are added and removed by id.
//
// A token may be limited to reading and writing domains, but not to one of them.
// Linode's name servers take changes up every few minutes: propagation takes as
// long.
package linode
