// Package gandi is the provider for domains at Gandi, over the API of LiveDNS.
// Record sets are replaced, one a request; see package rrset for how nobody loses
// a value.
//
// A personal access token may be limited to the domains that it is for. The older
// API keys are for everything, and are not accepted.
package gandi
