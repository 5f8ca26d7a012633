package issuance

import (
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"certctl/acme"
	"certctl/delegation"
)

// Request is one certificate that is wanted.
type Request struct {
	Certificate string               // its name in the store
	Names       []string             // as acme.ParseNames returns them
	Key         KeyType              // of the certificate's key; "" for the default
	Profile     string               // of the CA; "" for its default
	Challenges  []acme.ChallengeType // the first that the CA offers is used; none for DefaultChallenges
	PersistFor  time.Duration        // how long records of dns-persist-01 are good that we write; 0: until they are removed
	Webroot     string               // document root of the web server that answers http-01; "" for a server of our own
	Webroots    map[string]string    // by name, those of names that have another
	HTTP        []string             // where that listens, as listen.Parse returns it; none for port 80
	TLSALPN     []string             // where ours listens for tls-alpn-01; none for port 443
	Follow      map[string]string    // by domain, what ParseFollow reads; "" for those not in it
	Deploy      []string             // commands to run when the certificate is new
	Bare        bool                 // asked for without a configuration
	Replaces    string               // acme.RenewalID of the certificate that this one is to replace, or ""

	PrivateKey crypto.Signer // to be used in place of a new one, or nil
	ReuseKey   bool          // keep the private key of the certificate that is live
	CSR        []byte        // certificate request (DER) to send as it is, or nil; its key is not ours to have
	MustStaple bool          // RFC 7633 §4
	Chain      string        // name or fingerprint of the root that is preferred, or ""; see acme.Order.Prefer
	NotBefore  time.Time     // zero: the CA's choice
	NotAfter   time.Time     // zero: the CA's choice
}

// DefaultChallenges are used for requests that name none.
var DefaultChallenges = []acme.ChallengeType{acme.DNS01}

// challenges returns the types to choose from.
func (r *Request) challenges() []acme.ChallengeType {
	if len(r.Challenges) == 0 {
		return DefaultChallenges
	}
	return r.Challenges
}

// Check finds names that none of the challenges to choose from can prove. It is
// a mistake that the CA need not be asked about.
func (r *Request) Check() error {
	var errs []error
	for _, name := range r.Names {
		if !r.Preferred(name).Proves(name) {
			errs = append(errs, &unprovableError{name, r.challenges()})
		}
	}
	return errors.Join(errs...)
}

// unprovableError says that none of the challenges can prove a name.
type unprovableError struct {
	name       string
	challenges []acme.ChallengeType
}

func (e *unprovableError) Error() string {
	kind := "a wildcard"
	switch {
	case acme.IsAddress(e.name):
		kind = "an IP address"
	case e.long():
		kind = fmt.Sprintf("a name of %d characters", len(e.name))
	}
	return fmt.Sprintf("%s: %s cannot be proven by %s", e.name, kind, strings.Join(words(e.challenges), " or "))
}

// long reports whether the name would have to be proven in the DNS, and is too
// long for that.
func (e *unprovableError) long() bool {
	return slices.ContainsFunc(e.challenges, func(t acme.ChallengeType) bool { return t.Proves("*.example.com") })
}

// Hint says which challenges can.
func (e *unprovableError) Hint() string {
	switch {
	case acme.IsAddress(e.name):
		return "an IP address is proven by who answers there: add --challenge http-01 (at port 80) or --challenge tls-alpn-01 (at port 443)"
	case e.long() && strings.HasPrefix(e.name, "*."):
		return "with the labels at which its record is looked for, it is longer than names may be"
	case e.long():
		return "with the labels at which its record is looked for, it is longer than names may be: add --challenge http-01 or --challenge tls-alpn-01"
	}
	return "a wildcard is proven in the DNS: add --challenge dns-01, behind the others if it is for wildcards only"
}

// Preferred returns the type that is used for a name if the CA offers it: the
// first that can prove it.
func (r *Request) Preferred(name string) acme.ChallengeType {
	for _, t := range r.challenges() {
		if t.Proves(name) {
			return t
		}
	}
	return r.challenges()[0] // Check says what is wrong with that
}

// ParseChallenges reads the types of challenges to choose from, in the order
// of preference. The error says which there are.
func ParseChallenges(words []string) ([]acme.ChallengeType, error) {
	var types []acme.ChallengeType
	for _, word := range words {
		t := acme.ChallengeType(strings.ToLower(strings.TrimSpace(word)))
		switch {
		case !slices.Contains(acme.ChallengeTypes, t):
			return nil, fmt.Errorf("%q: there are %s", word, listed(acme.ChallengeTypes))
		case slices.Contains(types, t):
			return nil, fmt.Errorf("%s is there twice", t)
		}
		types = append(types, t)
	}
	return types, nil
}

func listed(types []acme.ChallengeType) string { return strings.Join(words(types), ", ") }

// words are the names of types, as they are kept.
func words(types []acme.ChallengeType) []string {
	var words []string
	for _, t := range types {
		words = append(words, string(t))
	}
	return words
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
