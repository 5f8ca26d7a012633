// Package azure is the provider for Azure DNS.
//
// A record set is written with its ETag, so that Azure refuses to overwrite what
// somebody else has changed meanwhile (RFC 9110 §13.1). A role can be assigned
// for a single record set; then the set has to be there before, with a value
// that is nobody's, and stays there after the last of ours is removed.
//
// The key is a client's secret or federated token, or the identity of the
// machine or the workload.
package azure
