package dns01

import (
	"fmt"
	"strconv"
	"strings"

	"certctl/delegation"
)

// Credentials are all that the user has configured.
type Credentials []*Credential

// Grant is the permission to write at one target with one credential.
type Grant struct {
	Target     *delegation.Target // the place chosen: t, or t.Explicit where only that is covered
	Credential *Credential
}

// For returns the grant for a target: of the credentials that cover it, the
// one with the longest scope. Where the target comes from a wildcard alias
// that no credential covers, the explicit place is tried. There is no other
// fallback: a DNS answer says where we write, only the configuration says what
// with. The error is a *NoCredentialError.
func (cs Credentials) For(t *delegation.Target) (Grant, error) {
	for _, place := range []*delegation.Target{t, t.Explicit} {
		if place == nil {
			continue
		}
		if c := cs.covering(place.Zone, place.Owner); c != nil {
			return Grant{Target: place, Credential: c}, nil
		}
	}
	return Grant{}, &NoCredentialError{Target: t, Above: cs.above(t.Zone, t.Owner)}
}

// ByScope returns the credential with exactly this scope, as journaled.
func (cs Credentials) ByScope(scope delegation.Name) (*Credential, bool) {
	for _, c := range cs {
		if c.Scope == scope {
			return c, true
		}
	}
	return nil, false
}

// covering returns the credential with the longest scope that covers owner in
// zone, or nil.
func (cs Credentials) covering(zone, owner delegation.Name) *Credential {
	var best *Credential
	for _, c := range cs {
		if c.Covers(zone, owner) && (best == nil || c.Scope.Labels() > best.Scope.Labels()) {
			best = c
		}
	}
	return best
}

// above returns the credential with the longest scope that would cover owner,
// were the zone not delegated away from it, or nil.
func (cs Credentials) above(zone, owner delegation.Name) *Credential {
	var best *Credential
	for _, c := range cs {
		if owner.IsAtOrBelow(c.Scope) && !c.Scope.IsAtOrBelow(zone) && (best == nil || c.Scope.Labels() > best.Scope.Labels()) {
			best = c
		}
	}
	return best
}

// NoCredentialError says that the configuration has no credential that may
// write at a target.
type NoCredentialError struct {
	Target *delegation.Target

	// Above is a credential whose scope lies above the target's zone: the
	// owner is below its scope by name, but delegated away from it. Nil where
	// there is none.
	Above *Credential
}

func (e *NoCredentialError) Error() string {
	t := e.Target
	var text strings.Builder
	fmt.Fprintf(&text, "no credential for %s in zone %s", t.Owner, t.Zone)
	if way := way(t); way != "" {
		fmt.Fprintf(&text, " (%s)", way)
	}
	if x := t.Explicit; x != nil {
		fmt.Fprintf(&text, ", nor for %s in zone %s, where a record of its own would end the wildcard", x.Owner, x.Zone)
	}
	if e.Above != nil {
		fmt.Fprintf(&text, ": zone %s is delegated away from %s, the scope of %s", t.Zone, e.Above.Scope, e.Above.Label)
	}
	return text.String()
}

// Hint returns the lines to add to the configuration.
func (e *NoCredentialError) Hint() string {
	return fmt.Sprintf(`add a key for this zone to the configuration, for example:
zones:
  %s:
    provider: rfc2136
    tsig: {name: KEY-NAME, algorithm: hmac-sha256, secret: {file: KEY-FILE}}`, yamlKey(e.Target.Zone))
}

// way says in words what led to a target. Of the cuts from the root down only
// those count that make the target's zone, or the challenge name a zone.
func way(t *delegation.Target) string {
	var words []string
	for _, s := range t.Steps {
		switch {
		case s.Kind == delegation.Cut && (s.To == t.Zone || t.Challenge != "" && s.To.IsAtOrBelow(t.Challenge)):
			words = append(words, fmt.Sprintf("%s is delegated by NS of %s", s.To, s.From))
		case s.Kind == delegation.Cut:
		case s.Synthesised:
			words = append(words, fmt.Sprintf("%s is an alias for %s by a wildcard %s", s.From, s.To, s.Type))
		default:
			words = append(words, fmt.Sprintf("%s is an alias for %s by %s", s.From, s.To, s.Type))
		}
	}
	return strings.Join(words, ", ")
}

// yamlKey writes a name as a key of a YAML mapping.
func yamlKey(n delegation.Name) string {
	key := n.Bare()
	plain := strings.IndexFunc(key, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_'
	}) < 0
	if plain && key[0] != '-' && key != "." {
		return key
	}
	return strconv.Quote(key)
}
