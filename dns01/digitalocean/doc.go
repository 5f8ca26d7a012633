// Package digitalocean is the provider for domains at DigitalOcean, over version
// 2 of its API. Records are added and removed by id.
//
// A token may be limited to reading and writing domains, but not to one of them.
// So a domain that has nothing but challenge names in it, in a team of its own,
// is the best place for them.
package digitalocean
