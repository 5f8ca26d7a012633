package issuance

import (
	"slices"

	"certctl/delegation"
)

// Request is one certificate that is wanted.
type Request struct {
	Certificate string            // its name in the store
	Names       []string          // as acme.ParseNames returns them
	Key         KeyType           // of the certificate's key; "" for the default
	Profile     string            // of the CA; "" for its default
	Follow      map[string]string // by domain, what ParseFollow reads; "" for those not in it
	Deploy      []string          // commands to run when the certificate is new
	Replaces    string            // acme.RenewalID of the certificate that this one is to replace, or ""
}

// sameNames compares sets of names.
func sameNames(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// ParseFollow reads what to do with an alias at a challenge name: "auto" or ""
// to follow it, "never" to write at the challenge name itself, or the name to
// write at.
func ParseFollow(word string) (delegation.Follow, error) {
	switch word {
	case "", "auto":
		return delegation.Follow{}, nil
	case "never":
		return delegation.Follow{Never: true}, nil
	}
	owner, err := delegation.ParseName(word)
	return delegation.Follow{Owner: owner}, err
}
