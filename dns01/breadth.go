package dns01

import (
	"context"
	"errors"
	"fmt"

	"certctl/delegation"
)

// Pinger is a Provider that can find out whether a zone's server accepts the
// key, without changing anything.
type Pinger interface {
	Ping(ctx context.Context, zone delegation.Name) error
}

// Refusal is an error of a Provider that says that the server has understood,
// and does not want to. Other errors say that it was not reached, or gave no
// answer.
type Refusal interface {
	error
	Refused()
}

// ScopeProber is a Provider that can find out what the key may do in a zone
// beside writing TXT records at one owner, without changing anything: by
// asking for removals of what does not exist, or by reading what its service
// says of it.
type ScopeProber interface {
	ProbeScope(ctx context.Context, zone, owner delegation.Name) (Breadth, error)
}

// Reach is something that a key should not be able to do.
type Reach string

// The kinds of reach.
const (
	OtherNames Reach = "other names"     // TXT records at another owner in the zone
	TheApex    Reach = "the zone's apex" // TXT records there, which others read as SPF and the like
	NamesBelow Reach = "names below"     // TXT records below the owner
	OtherTypes Reach = "other types"     // other records at the owner
	WholeZone  Reach = "the whole zone"  // all of the above
	OtherZones Reach = "other zones"     // records in zones that are not the one at hand
	Account    Reach = "the account"     // what is not DNS: other services, users, keys
)

// Breadth is what a key was found to be able to do.
type Breadth struct {
	Server string // its address, or the URL of its API
	Trials []Trial
	Serial [2]uint32 // of the zone, before and after; zero where it was not said
}

// Trial is one thing that was asked for.
type Trial struct {
	Reach    Reach
	Question string // in words, with owner and type: "removal of an absent TXT …"
	Accepted bool
	Refused  bool   // where it is neither, the answer says nothing about rights
	Answer   string // in words: NOERROR, REFUSED, NOTAUTH BADKEY, …
}

// Wide returns the trials that were accepted.
func (b Breadth) Wide() []Trial {
	var wide []Trial
	for _, t := range b.Trials {
		if t.Accepted {
			wide = append(wide, t)
		}
	}
	return wide
}

// Ping finds out whether the server of the credential's zone accepts the key. The error is errors.ErrUnsupported where the provider has no way to.
func (c *Credential) Ping(ctx context.Context, zone delegation.Name) error {
	p, ok := c.provider.(Pinger)
	switch {
	case zone != c.Apex():
		return &ScopeError{Label: c.Label, Scope: c.Scope, Zone: zone, Owner: zone}
	case !ok:
		return fmt.Errorf("%s cannot be tried without writing: %w", c.Label, errors.ErrUnsupported)
	}
	return p.Ping(ctx, zone)
}

// ProbeScope finds out what else than TXT records at owner the key may write.
//
// This is the one deliberate exception from the rule that nothing outside the
// scope is ever sent: to learn that a key is too strong, it has to be used
// beyond its scope. What is sent can do no harm, as it removes values that are
// made up at random in that moment. The owner itself must be covered.
//
// The error is errors.ErrUnsupported where the provider has no way to.
func (c *Credential) ProbeScope(ctx context.Context, zone, owner delegation.Name) (Breadth, error) {
	p, ok := c.provider.(ScopeProber)
	switch {
	case !c.Covers(zone, owner):
		return Breadth{}, &ScopeError{Label: c.Label, Scope: c.Scope, Zone: zone, Owner: owner}
	case !ok:
		return Breadth{}, fmt.Errorf("%s cannot be tried without writing: %w", c.Label, errors.ErrUnsupported)
	}
	return p.ProbeScope(ctx, zone, owner)
}
