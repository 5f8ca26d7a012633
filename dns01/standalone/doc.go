// Package standalone publishes validation records by answering for their zone
// itself, for as long as a run of certctl lasts: for hosts that the challenge
// name is delegated to. There is no credential, and nothing that runs between
// the renewals.
//
//	_acme-challenge.www.example.com. NS www.example.com.
//
// While it listens it is a complete server of the zone: SOA and NS records and
// negative answers are there, not only the values.
package standalone
