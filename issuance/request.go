package issuance

import (
	"crypto"
	"slices"
	"time"

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

	PrivateKey crypto.Signer // to be used in place of a new one, or nil
	ReuseKey   bool          // keep the private key of the certificate that is live
	CSR        []byte        // certificate request (DER) to send as it is, or nil; its key is not ours to have
	MustStaple bool          // RFC 7633 §4
	Chain      string        // name or fingerprint of the root that is preferred, or ""; see acme.Order.Prefer
	NotBefore  time.Time     // zero: the CA's choice
	NotAfter   time.Time     // zero: the CA's choice
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
