package acme

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ChallengeType is a way to prove control of an identifier (RFC 8555 §8), by
// its name in the registry of RFC 8555 §9.7.8.
type ChallengeType string

// The types that are known here.
const (
	DNS01        ChallengeType = "dns-01"         // RFC 8555 §8.4
	DNSAccount01 ChallengeType = "dns-account-01" // draft-ietf-acme-dns-account-label
	DNSPersist01 ChallengeType = "dns-persist-01" // draft-ietf-acme-dns-persist
	HTTP01       ChallengeType = "http-01"        // RFC 8555 §8.3
	TLSALPN01    ChallengeType = "tls-alpn-01"    // RFC 8737
)

// Proves reports whether challenges of this type can prove a name: a wildcard
// only in the DNS, because no single server speaks for all that it covers, an IP
// address only where it leads (RFC 8738 §7), and in the DNS only what leaves room
// for the labels before it.
func (t ChallengeType) Proves(name string) bool {
	switch t {
	case HTTP01, TLSALPN01:
		return !strings.HasPrefix(name, "*.")
	}
	longest := maxName - len(new(Account).Prefix(t)) - len(".") // the same for all accounts
	return !IsAddress(name) && len(strings.TrimPrefix(name, "*.")) <= longest
}

// ChallengeTypes are all that are known, the default first.
var ChallengeTypes = []ChallengeType{DNS01, DNSAccount01, DNSPersist01, HTTP01, TLSALPN01}

// Challenge is one of the ways that the CA offers to prove control of an
// identifier.
type Challenge struct {
	Type   ChallengeType
	URL    string
	Token  string // RFC 8555 §8.3; "" where the type has none
	Status Status

	raw json.RawMessage // as the CA sent it
}

// wireChallenge is RFC 8555 §8. What a type of challenge has beyond that, and
// what unknown types have, may be anything.
type wireChallenge struct {
	Type   ChallengeType `json:"type"`
	URL    string        `json:"url"`
	Token  string        `json:"token"`
	Status Status        `json:"status"`
	Error  *wireProblem  `json:"error"`
}

// validToken reports whether a token is as RFC 8555 §8.3 has it: of the
// alphabet of base64url.
func validToken(token string) bool {
	return token != "" && strings.IndexFunc(token, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}) < 0
}

// Choose chooses the first of these types that can prove the name and that the
// CA offers for it; Validate will answer that challenge. Where it offers none of
// them, the error is a *NoChallengeError.
func (z *Authorization) Choose(preferred []ChallengeType) error {
	flaws := map[ChallengeType]string{}
	for _, t := range preferred {
		for _, c := range z.Offered {
			if c.Type != t || !t.Proves(z.Name()) {
				continue
			}
			err := z.prepare(c)
			if err == nil {
				return nil
			}
			flaws[t] = err.Error()
		}
	}
	return &NoChallengeError{Wanted: preferred, Offered: z.types(), flaws: flaws}
}

func (z *Authorization) types() []ChallengeType {
	var types []ChallengeType
	for _, c := range z.Offered {
		types = append(types, c.Type)
	}
	return types
}

// prepare makes a challenge the chosen one, and computes what it needs. The
// error says what the challenge has that it should not have, or lacks.
func (z *Authorization) prepare(c *Challenge) (err error) {
	z.Prefix, z.Value, z.Persist = "", "", nil
	switch {
	case c.URL == "":
		return errors.New("no url")
	case c.Type != DNSPersist01 && !validToken(c.Token):
		return errors.New("no valid token")
	}
	switch c.Type {
	case DNS01, DNSAccount01: // which differ in the place only
		z.Value, err = z.account.client.DNS01ChallengeRecord(c.Token)
	case DNSPersist01:
		z.Persist, err = c.terms(z.account)
	}
	if err == nil {
		z.Challenge, z.Prefix = c, z.account.Prefix(c.Type)
	}
	return err
}

// Prefix returns the labels that stand before a domain where the CA looks for
// the TXT record of a challenge; "" for types that have none. Only for
// DNSAccount01 does it depend on the account, and then on its URL alone.
func (a *Account) Prefix(t ChallengeType) string {
	switch t {
	case DNS01:
		return "_acme-challenge"
	case DNSAccount01:
		return a.Label() + "._acme-challenge"
	case DNSPersist01:
		return "_validation-persist"
	}
	return ""
}

// KeyAuthorization returns the answer to the chosen challenge (RFC 8555 §8.1),
// of which a Value is the digest.
func (z *Authorization) KeyAuthorization() (string, error) {
	return z.account.client.HTTP01ChallengeResponse(z.Challenge.Token)
}

// readChallenge reads one challenge: its type at least, if it has one. What else
// cannot be read is of a type that is not known here.
func readChallenge(text []byte) (w wireChallenge) {
	if json.Unmarshal(text, &w) == nil {
		return w
	}
	var typed struct {
		Type ChallengeType `json:"type"`
	}
	_ = json.Unmarshal(text, &typed) // else it is nothing at all
	return wireChallenge{Type: typed.Type}
}

// readChallenges takes over what the CA offers. The chosen challenge stays the
// chosen one.
func (z *Authorization) readChallenges(raw []json.RawMessage) {
	z.Offered, z.Problem = nil, nil
	for _, text := range raw {
		w := readChallenge(text)
		if w.Type == "" {
			continue
		}
		z.Offered = append(z.Offered, &Challenge{Type: w.Type, URL: w.URL, Token: w.Token, Status: w.Status, raw: text})
		if w.Error != nil {
			z.Problem = w.Error.problem()
		}
	}
	if z.Challenge == nil {
		return
	}
	if n := slices.IndexFunc(z.Offered, func(c *Challenge) bool { return c.Type == z.Challenge.Type && c.URL != "" }); n >= 0 {
		z.Challenge = z.Offered[n]
	} else {
		z.Challenge = &Challenge{Type: z.Challenge.Type} // others are left out once one is decided
	}
}

// NoChallengeError says that a CA offers none of the challenges that are asked
// for.
type NoChallengeError struct {
	Wanted  []ChallengeType
	Offered []ChallengeType // in the CA's order, also unknown ones

	flaws map[ChallengeType]string // of those that are offered but cannot be used
}

func (e *NoChallengeError) Error() string {
	offered := make([]string, len(e.Offered))
	for i, t := range e.Offered {
		offered[i] = plain(string(t))
		if flaw := e.flaws[t]; flaw != "" {
			offered[i] += " (with " + flaw + ")"
		}
	}
	wanted := joined(e.Wanted, " or ")
	if len(offered) == 0 {
		return fmt.Sprintf("the CA offers no %s challenge, nor any other", wanted)
	}
	return fmt.Sprintf("the CA offers no %s challenge, only %s", wanted, strings.Join(offered, ", "))
}

// Hint names the challenges that the CA offers and that can be asked for.
func (e *NoChallengeError) Hint() string {
	var possible []ChallengeType
	for _, t := range ChallengeTypes {
		if slices.Contains(e.Offered, t) && !slices.Contains(e.Wanted, t) && e.flaws[t] == "" {
			possible = append(possible, t)
		}
	}
	if len(possible) == 0 {
		return ""
	}
	return fmt.Sprintf("allow it with --challenge %s, or with `challenges: [%s]`", possible[0], joined(possible, ", "))
}

func joined(types []ChallengeType, separator string) string {
	words := make([]string, len(types))
	for i, t := range types {
		words[i] = string(t)
	}
	return strings.Join(words, separator)
}
