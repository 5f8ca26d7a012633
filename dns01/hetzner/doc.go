// Package hetzner is the provider for zones at Hetzner, over the Cloud API (the
// older one of dns.hetzner.com is gone). Values are added to record sets and
// removed from them, so that nobody's are in anybody's way, and the service says
// when its name servers have them.
//
// A token is for all of a project: Hetzner knows nothing narrower. So a zone that
// has nothing but challenge names in it, in a project of its own, is the best
// place for them.
package hetzner
