// Package porkbun is the provider for domains at Porkbun, over version 3 of its
// API. Records are added and removed by id.
//
// A pair of keys is for all domains of the account for which "API Access" is
// switched on: so switch it on for the one domain that has the challenge names.
package porkbun
