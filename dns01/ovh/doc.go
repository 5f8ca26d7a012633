// Package ovh is the provider for zones at OVHcloud. Records are added and
// removed by id, and the zone is refreshed once after all of them: until then
// its servers do not have them.
//
// A consumer key has rules that say which calls of the API it may make: at the
// narrowest for the records of one zone. Requests are signed with it; or there is
// a service account, for OAuth2.
package ovh
