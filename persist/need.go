package persist

import (
	"fmt"
	"slices"
	"time"
)

// Need is what a CA has to find to issue for one domain.
type Need struct {
	Issuers  []string // by which the CA goes; each is as good
	Accounts []string // each names the account; the first is what is written
	Wildcard bool     // for the wildcard, too
}

// Record returns the record that meets the need, until a time or, with the zero
// time, for good.
func (n Need) Record(until time.Time) Record {
	return Record{Issuer: n.Issuers[0], Account: n.Accounts[0], Wildcard: n.Wildcard, Until: until}
}

// Flaw is why a record for the CA does not meet a need.
type Flaw string

// The flaws, from worst to best.
const (
	Malformed    Flaw = "malformed"
	OtherAccount Flaw = "other-account" // for another account than ours
	NoWildcard   Flaw = "no-wildcard"   // not for the wildcard, which is needed
	Expired      Flaw = "expired"       // persistUntil has passed
	None         Flaw = ""
)

// Standing is a TXT record for the CA.
type Standing struct {
	Value string // of the TXT record
	Record
	Flaw Flaw
	Err  error // of what is malformed
}

// Judge returns what there is for the CA among the values of all TXT records at
// the place; those of other CAs are not our concern.
func (n Need) Judge(values []string, now time.Time) []Standing {
	var all []Standing
	for _, value := range values {
		r, err := Parse(value)
		if slices.Contains(n.Issuers, r.Issuer) {
			all = append(all, Standing{value, r, n.flaw(r, err, now), err})
		}
	}
	return all
}

func (n Need) flaw(r Record, err error, now time.Time) Flaw {
	switch {
	case err != nil:
		return Malformed
	case !slices.Contains(n.Accounts, r.Account):
		return OtherAccount
	case !r.Until.IsZero() && !now.Before(r.Until):
		return Expired
	case n.Wildcard && !r.Wildcard:
		return NoWildcard
	}
	return None
}

// Judgement says in words why a record is of no use, or that it is good.
func (s Standing) Judgement() string {
	switch s.Flaw {
	case Malformed:
		return fmt.Sprintf("is malformed (%v)", s.Err)
	case OtherAccount:
		return "is for another account"
	case Expired:
		return "has ended on " + s.Until.UTC().Format(time.DateOnly)
	case NoWildcard:
		return "is not for the wildcard"
	}
	return "is good"
}

// Best returns the record that meets the need for longest, nil if none does.
func Best(all []Standing) *Standing {
	var best *Standing
	for i := range all {
		s := &all[i]
		if s.Flaw == None && (best == nil || s.outlasts(best)) {
			best = s
		}
	}
	return best
}

func (s *Standing) outlasts(other *Standing) bool {
	if s.Until.IsZero() || other.Until.IsZero() {
		return s.Until.IsZero() && !other.Until.IsZero()
	}
	return s.Until.After(other.Until)
}
