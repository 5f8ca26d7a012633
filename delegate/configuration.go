package delegate

import (
	"fmt"
	"slices"
	"strings"

	"certctl/delegation"
)

// Scope is where one credential of the configuration belongs, and the owners
// that it is for.
type Scope struct {
	Name   delegation.Name
	Zone   delegation.Name // that the owners are in now, as far as it is known
	Owners []delegation.Name
}

// Scopes returns the scopes that the plan needs a credential for: the target
// zone, or each challenge name. A zone cut below the target zone makes a scope
// of its own.
func (p *Plan) Scopes() []Scope {
	var scopes []Scope
	if p.standing != nil {
		return nil
	}
	for _, d := range p.Delegations {
		name := d.Challenge
		if p.To != "" {
			name = p.To
		}
		if d.TargetZone.IsAtOrBelow(name) {
			name = d.TargetZone
		}
		i := slices.IndexFunc(scopes, func(s Scope) bool { return s.Name == name && s.Zone == d.TargetZone })
		if i < 0 {
			i = len(scopes)
			scopes = append(scopes, Scope{Name: name, Zone: d.TargetZone})
		}
		scopes[i].Owners = append(scopes[i].Owners, d.Owner)
	}
	return scopes
}

// KeyName proposes a name for the scope's key: certctl-auth-example-net.
func (s Scope) KeyName() string {
	const prefix = "certctl-"
	return prefix + readable(strings.TrimPrefix(s.Name.Bare(), "_acme-challenge."), maxLabel-len(prefix))
}

// Configuration returns the lines of certctl.yaml for some scopes.
func Configuration(scopes []Scope) string {
	if len(scopes) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("zones:\n")
	for i, s := range scopes {
		if slices.ContainsFunc(scopes[:i], func(t Scope) bool { return t.Name == s.Name }) {
			continue
		}
		fmt.Fprintf(&b, "  %s:\n    provider: rfc2136\n    tsig: {file: %s.key}   # as tsig-keygen or keymgr -t writes it\n", s.Name.Bare(), s.KeyName())
	}
	return b.String()
}
