package values

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"certctl/delegation"
)

// Value is the text of one TXT record.
type Value struct {
	Owner   delegation.Name `json:"owner"` // in the zone it is put into
	Text    string          `json:"text"`
	TTL     uint32          `json:"ttl,omitempty"`    // seconds; 0: the zone's default
	Key     string          `json:"key"`              // who put it, and alone may remove it
	Expires time.Time       `json:"expires,omitzero"` // when it is swept away; zero: never
}

// is reports whether v and w are the same value: one that is put again gets a
// new TTL and expiry.
func (v Value) is(w Value) bool {
	return v.Owner == w.Owner && v.Text == w.Text && v.Key == w.Key
}

// identity returns what makes a value the same as another one.
func (v Value) identity() Value { return Value{Owner: v.Owner, Text: v.Text, Key: v.Key} }

// equal reports whether nothing at all differs.
func (v Value) equal(w Value) bool {
	return v.is(w) && v.TTL == w.TTL && v.Expires.Equal(w.Expires)
}

// Step is one change of a zone, from one serial to the next.
type Step struct {
	From, To       uint32
	Added, Removed []Value
	Framed         bool // the zone has another Frame since
}

// Frame is what a server has of a zone beside its values. It is for those who
// have copies of the zone: with another frame, all of it may be different.
type Frame struct {
	Digest string    `json:"digest"`          // of the records that are always there
	Signed time.Time `json:"signed,omitzero"` // of when the signatures are; zero: there are none
}

const (
	// MaxValues is how many values an owner name may have: so many fit into the
	// 4096 octets of an answer that Let's Encrypt reads.
	MaxValues = 60

	// MaxText is the length of the longest text, in octets: one string of a TXT
	// record (RFC 1035 §3.3).
	MaxText = 255
)

// RefusedError says that a value cannot be put.
type RefusedError struct {
	Owner delegation.Name
	Err   error
}

func (e *RefusedError) Error() string { return fmt.Sprintf("%s: %v", e.Owner.Bare(), e.Err) }
func (e *RefusedError) Unwrap() error { return e.Err }

// SecondaryError says that a zone's values are not put here.
type SecondaryError struct {
	Zone    delegation.Name
	Primary string
}

func (e *SecondaryError) Error() string {
	return fmt.Sprintf("%s: this server is a secondary of %s", e.Zone.Bare(), e.Primary)
}

// Hint says where to go.
func (e *SecondaryError) Hint() string { return "put values at " + e.Primary }

// ByOwner parts a list that is sorted by owner.
func ByOwner(list []Value) [][]Value {
	var parts [][]Value
	for start := 0; start < len(list); {
		end := start
		for end < len(list) && list[end].Owner == list[start].Owner {
			end++
		}
		parts = append(parts, list[start:end])
		start = end
	}
	return parts
}

// IsWildcard reports whether a name has a label that is a star. Other servers would
// answer for all names in its place (RFC 4592), and a name server of ours does not.
func IsWildcard(name delegation.Name) bool { return strings.Contains("."+string(name), ".*.") }

func (v Value) check(zone delegation.Name) error {
	switch {
	case !v.Owner.IsAtOrBelow(zone):
		return &RefusedError{v.Owner, fmt.Errorf("it is not in the zone %s", zone.Bare())}
	case !utf8.ValidString(v.Text): // the file could not have it
		return &RefusedError{v.Owner, errors.New("the text is not UTF-8")}
	case len(v.Text) > MaxText:
		return &RefusedError{v.Owner, fmt.Errorf("the text has %d octets: %d at most", len(v.Text), MaxText)}
	}
	return nil
}
