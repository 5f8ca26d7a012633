package dns01

import (
	"fmt"

	"certctl/delegation"
)

// Policy is the least that a server must allow, in the server's own words, so
// that a key can write validation records and as little else as possible.
type Policy struct {
	Kind   string `json:"kind"`             // of server, in one word: "bind"
	Server string `json:"server"`           // its name: "BIND 9"
	Text   string `json:"text"`             // lines to add to its configuration, or commands to run; no secrets
	Excess string `json:"excess,omitempty"` // what the key may do beyond that, where the server knows nothing narrower
}

// PolicyWriter is a Provider that knows the words in which its servers are told
// what a key may do. It returns a policy for each kind of server, for TXT
// records at exactly these owners of a zone.
type PolicyWriter interface {
	Policies(zone delegation.Name, owners []delegation.Name) []Policy
}

// Policies returns the least-privilege policies for the credential's key and
// some owners of a zone. Where one of them is outside the scope the error is a
// *ScopeError; a provider that is no PolicyWriter is an error too.
func (c *Credential) Policies(zone delegation.Name, owners []delegation.Name) ([]Policy, error) {
	for _, owner := range owners {
		if !c.Covers(zone, owner) {
			return nil, &ScopeError{Label: c.Label, Scope: c.Scope, Zone: zone, Owner: owner}
		}
	}
	w, ok := c.provider.(PolicyWriter)
	if !ok {
		return nil, fmt.Errorf("%s: there is no policy to write for this provider", c.Label)
	}
	return w.Policies(zone, owners), nil
}
