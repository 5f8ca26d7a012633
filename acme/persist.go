package acme

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// PersistTerms are what a record of dns-persist-01 (draft-ietf-acme-dns-persist)
// has to say to let a CA issue to an account.
type PersistTerms struct {
	Issuers []string // domain names by which the CA goes; each is as good

	account    string // URL
	hashPrefix string // of the hashes that stand for accounts; "": their URL does
	thumbprint string // of the account's key
}

// AnyDomain stands for the domain in an account's hash that is good for all.
const AnyDomain = "*"

// Accounts returns what may name the account in records at a domain (lower
// case, without final dot); the first is what should.
func (t *PersistTerms) Accounts(domain string) []string {
	if t.hashPrefix == "" {
		return []string{t.account}
	}
	return []string{t.hash(domain), t.hash(AnyDomain)}
}

// hash stands for the account without showing its URL.
func (t *PersistTerms) hash(domain string) string {
	text := append([]byte{byte(len(domain))}, domain+t.thumbprint+t.account...) // names have 253 characters at most
	digest := sha256.Sum256(text)
	return t.hashPrefix + "sha-256/" + base64.RawURLEncoding.EncodeToString(digest[:])
}

// wirePersist is what challenges of dns-persist-01 have, in all versions of the
// draft: since -01 they name the account, since -02 the other field has the
// issuers, and records name the account by a hash.
type wirePersist struct {
	Account string   `json:"accounturi"`          // -01
	Issuers []string `json:"issuer-domain-names"` // -00, -01
	Later   []string `json:"issuerDomainNames"`   // -02
}

// wirePersistMeta is what the directory has about them since -02.
type wirePersistMeta struct {
	Meta struct {
		HashPrefix string   `json:"accountHashPrefix"`
		Issuers    []string `json:"issuerDomainNames"`
	} `json:"meta"`
}

// readPersist takes from the directory what concerns dns-persist-01. Whatever
// cannot be read must not keep others from using the CA.
func (c *CA) readPersist(directory []byte) {
	var w wirePersistMeta
	if json.Unmarshal(directory, &w) == nil {
		c.hashPrefix, c.issuers = w.Meta.HashPrefix, w.Meta.Issuers
	}
}

// PersistTerms returns the terms for the account as far as the CA's directory
// tells them: where that does not name the issuer, its names in CAA records are
// taken. A challenge has the last word.
func (a *Account) PersistTerms() (*PersistTerms, error) {
	t := &PersistTerms{Issuers: a.CA.issuers}
	if len(t.Issuers) == 0 {
		t.Issuers = a.CA.CAAIdentities
	}
	return t, a.complete(t, a.CA.hashPrefix)
}

// complete fills in what the account adds to the terms, and checks them.
func (a *Account) complete(t *PersistTerms, hashPrefix string) (err error) {
	t.account = a.URL
	if hashPrefix != "" {
		if !plainValue(hashPrefix) {
			return fmt.Errorf("accountHashPrefix %.80q", hashPrefix)
		}
		t.hashPrefix = hashPrefix
		if t.thumbprint, err = a.Thumbprint(); err != nil {
			return err
		}
	}
	if !plainValue(a.URL) {
		return fmt.Errorf("an account whose URL cannot be in a record")
	}
	return checkIssuers(t.Issuers)
}

// terms reads the challenge in whichever shape the CA sends. It must be about
// the account that asked: a record for another would let that one issue.
func (c *Challenge) terms(a *Account) (*PersistTerms, error) {
	var w wirePersist
	if err := json.Unmarshal(c.raw, &w); err != nil {
		return nil, errors.New("fields of the wrong type")
	}
	hashPrefix := a.CA.hashPrefix
	switch {
	case w.Account != "" && w.Account != a.URL:
		return nil, fmt.Errorf("the account %s in place of ours, %s", plain(w.Account), a.URL)
	case len(w.Later) > 0 && hashPrefix == "":
		return nil, errors.New("issuerDomainNames, but no accountHashPrefix in the directory")
	case len(w.Later) > 0:
		w.Issuers = w.Later
	case len(w.Issuers) > 0:
		hashPrefix = ""
	case hashPrefix != "":
		w.Issuers = a.CA.issuers
	}
	t := &PersistTerms{Issuers: w.Issuers}
	return t, a.complete(t, hashPrefix)
}

const (
	mostIssuers   = 10 // in a challenge
	longestIssuer = 253
	longestLabel  = 63
)

// checkIssuers checks the names that a CA says it goes by. A challenge with too
// many of them, or with others than lower-case A-labels without a final dot, is
// not to be believed.
func checkIssuers(names []string) error {
	switch {
	case len(names) == 0:
		return errors.New("no issuer domain names")
	case len(names) > mostIssuers:
		return fmt.Errorf("%d issuer domain names", len(names))
	}
	for _, name := range names {
		if !isIssuer(name) {
			return fmt.Errorf("the issuer domain name %.80q", name)
		}
	}
	return nil
}

func isIssuer(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		odd := strings.IndexFunc(label, func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' })
		if label == "" || len(label) > longestLabel || odd >= 0 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return len(name) <= longestIssuer
}

// plainValue reports whether a text can be the value of a parameter (RFC 8659
// §4.2).
func plainValue(text string) bool {
	return text != "" && strings.IndexFunc(text, func(c rune) bool { return c < 0x21 || c > 0x7e || c == ';' }) < 0
}
