package hostile

import (
	"crypto/sha256"
	"slices"
	"strings"
)

// Draft is a version of draft-ietf-acme-dns-persist, which differ in what a CA
// sends and in how records name the account.
type Draft string

// The versions.
const (
	Draft00 Draft = "-00"
	Draft01 Draft = "-01"
	Draft02 Draft = "-02"
)

const persist = "dns-persist-01"

// offerPersist returns the challenge, which has no token.
func (c *CA) offerPersist(z *authz) map[string]any {
	offer := map[string]any{"type": persist, "url": c.url("challenge", z.id, persist)}
	switch c.policy.Persist {
	case Draft00:
		offer["issuer-domain-names"] = []string{c.host}
	case Draft01:
		offer["issuer-domain-names"], offer["accounturi"] = []string{c.host, "www." + c.host}, z.account
	case Draft02:
		offer["issuerDomainNames"] = []string{c.host}
	}
	return offer
}

// persists reports whether a value lets the CA issue for an authorization. It
// is as strict as a CA may be: nothing is there that need not be.
func (c *CA) persists(z *authz, value string) bool {
	words := strings.Split(value, "; ")
	account := z.account
	if c.policy.Persist == Draft02 {
		digest := sha256.Sum256([]byte(string(rune(len(z.domain()))) + z.domain() + thumbprint(c.accounts[z.account]) + z.account))
		account = c.url("hashed/") + "sha-256/" + encode(digest[:])
	}
	want := []string{c.host, "accounturi=" + account}
	if slices.Equal(words, append(want, "policy=wildcard")) {
		return true
	}
	return z.name == z.domain() && slices.Equal(words, want)
}
