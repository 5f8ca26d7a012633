// Package cloudflare is the provider for zones at Cloudflare, over version 4 of
// its API. Records are added and removed by id, those of many names in one batch,
// so that nobody's values are in anybody's way.
//
// A token is for one zone at least: Cloudflare knows no scope within a zone, and
// the global API key is not accepted. So a zone that has nothing but challenge
// names in it is the best place for them.
package cloudflare
