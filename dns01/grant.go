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
	Credential *Credential        // nil: nothing is written, because the record is there
}

// For returns the grant for a target: the credential with the longest scope
// that has its owner, if that covers it. Where the target comes from a wildcard
// alias that is not covered, the explicit place is tried. There is no other
// fallback: a DNS answer says where we write, only the configuration says what
// with. The error is a *NoCredentialError.
func (cs Credentials) For(t *delegation.Target) (Grant, error) {
	for _, place := range []*delegation.Target{t, t.Explicit} {
		if place == nil {
			continue
		}
		if c := cs.nearest(place.Owner); c != nil && c.Covers(place.Zone, place.Owner) {
			return Grant{Target: place, Credential: c}, nil
		}
	}
	return Grant{}, &NoCredentialError{Target: t, Near: cs.nearest(t.Owner)}
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

// nearest returns the credential with the longest scope that has owner in it,
// for whatever zone, or nil.
func (cs Credentials) nearest(owner delegation.Name) *Credential {
	var best *Credential
	for _, c := range cs {
		if owner.IsAtOrBelow(c.Scope) && (best == nil || c.Scope.Labels() > best.Scope.Labels()) {
			best = c
		}
	}
	return best
}

// NoCredentialError says that the configuration has no credential that may
// write at a target.
type NoCredentialError struct {
	Target *delegation.Target

	// Near is a credential that has the owner in its scope, but is for another
	// zone than the one that DNS has it in. Nil where there is none.
	Near *Credential
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
	switch c := e.Near; {
	case c == nil:
	case e.hidden():
		fmt.Fprintf(&text, ": %s is for zone %s only, and DNS shows no such zone", c.Label, c.Apex())
	default:
		fmt.Fprintf(&text, ": zone %s is delegated away from %s, the zone of %s", t.Zone, c.Apex(), c.Label)
	}
	return text.String()
}

// hidden reports whether the zone of the credential at hand lies between the
// owner and the zone that DNS shows.
func (e *NoCredentialError) hidden() bool {
	return e.Near != nil && e.Near.Apex().IsAtOrBelow(e.Target.Zone)
}

// Hint returns the lines to add to the configuration.
func (e *NoCredentialError) Hint() string {
	if e.hidden() {
		return fmt.Sprintf(`"certctl trace" shows the way to it. If the key is meant for zone %s, say so in its entry:
zones:
  %s:
    zone: %s`, e.Target.Zone.Bare(), yamlKey(e.Near.Scope), yamlKey(e.Target.Zone))
	}
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
