package dns01

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"certctl/delegation"
)

// Pinger is a Provider that can find out whether a zone's server accepts the
// key, without changing anything. A service whose keys may be for single names
// is asked about each of the owners, which are those that the key is for.
type Pinger interface {
	Ping(ctx context.Context, zone delegation.Name, owners []delegation.Name) error
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

// Censor is a Provider that takes its secrets out of a text, in which a service
// may have repeated them.
type Censor interface {
	Censor(text string) string
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
	Account    Reach = "the account"     // what is no record: other services, users, keys
)

// Breadth is what a key can do.
type Breadth struct {
	Server string // its address, or the URL of its API
	Trials []Trial
	Serial [2]uint32 // of the zone, before and after; zero where it was not said
	Unseen string    // what nobody was asked about, in words; "": nothing that matters
}

// Trial is one thing that was asked for, or is known without asking.
type Trial struct {
	Reach    Reach
	Question string // in words, with owner and type: "removal of an absent TXT …"
	Accepted bool
	Refused  bool   // where it is neither, the answer says nothing about rights
	Inherent bool   // nothing was asked: so it is with every key of this service
	Answer   string // in words: NOERROR, REFUSED, NOTAUTH BADKEY, …
}

// Wide returns the trials that were found to be accepted: a narrower key would
// have been refused.
func (b Breadth) Wide() []Trial {
	return b.accepted(func(t Trial) bool { return !t.Inherent })
}

// Floor returns what no key of the service can be kept from.
func (b Breadth) Floor() []Trial {
	return b.accepted(func(t Trial) bool { return t.Inherent })
}

func (b Breadth) accepted(which func(Trial) bool) []Trial {
	return slices.DeleteFunc(slices.Clone(b.Trials), func(t Trial) bool { return !t.Accepted || !which(t) })
}

// Ping finds out whether the server of the credential's zone accepts the key for
// these owners. The error is an *UntriedError where nobody can be asked.
func (c *Credential) Ping(ctx context.Context, zone delegation.Name, owners []delegation.Name) error {
	p, ok := c.provider.(Pinger)
	if zone != c.Apex() {
		return &ScopeError{Label: c.Label, Scope: c.Scope, Zone: zone, Owner: zone}
	}
	for _, owner := range owners {
		if !c.Covers(zone, owner) {
			return &ScopeError{Label: c.Label, Scope: c.Scope, Zone: zone, Owner: owner}
		}
	}
	if !ok {
		return &UntriedError{Label: c.Label}
	}
	return p.Ping(ctx, zone, owners)
}

// ProbeScope finds out what else than TXT records at owner the key may write.
//
// This is the one deliberate exception from the rule that nothing outside the
// scope is ever sent: to learn that a key is too strong, it has to be used
// beyond its scope. What is sent can do no harm, as it removes values that are
// made up at random in that moment. The owner itself must be covered.
//
// The error is an *UntriedError where nobody can be asked.
func (c *Credential) ProbeScope(ctx context.Context, zone, owner delegation.Name) (Breadth, error) {
	p, ok := c.provider.(ScopeProber)
	switch {
	case !c.Covers(zone, owner):
		return Breadth{}, &ScopeError{Label: c.Label, Scope: c.Scope, Zone: zone, Owner: owner}
	case !ok:
		return Breadth{}, &UntriedError{Label: c.Label}
	}
	b, err := p.ProbeScope(ctx, zone, owner)
	if censor, ok := c.provider.(Censor); ok {
		for i, t := range b.Trials {
			b.Trials[i].Question, b.Trials[i].Answer = censor.Censor(t.Question), censor.Censor(t.Answer)
		}
		b.Unseen = censor.Censor(b.Unseen)
	}
	return b, err
}

// UntriedError says that a key cannot be tried. It is an errors.ErrUnsupported.
type UntriedError struct {
	Label string // of the provider
	Why   string // "": it could only be written
}

func (e *UntriedError) Error() string {
	return fmt.Sprintf("%s cannot be tried: %s", e.Label, cmp.Or(e.Why, "its service shows nothing without being written to"))
}

// Is makes it an errors.ErrUnsupported.
func (e *UntriedError) Is(target error) bool { return target == errors.ErrUnsupported }
