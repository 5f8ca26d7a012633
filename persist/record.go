package persist

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Record is the content of one TXT record.
type Record struct {
	Issuer   string    // a domain name by which the CA goes
	Account  string    // accounturi: URL of the account, or a hash that stands for it
	Wildcard bool      // policy=wildcard: for wildcards and names below, too
	Until    time.Time // persistUntil, in whole seconds; zero: for good
}

// String returns the value of the TXT record.
func (r Record) String() string {
	text := r.Issuer + "; accounturi=" + r.Account
	if r.Wildcard {
		text += "; policy=wildcard"
	}
	if !r.Until.IsZero() {
		text += "; persistUntil=" + strconv.FormatInt(r.Until.Unix(), 10)
	}
	return text
}

// EndsSoon is how long before its end somebody should know of a record that
// nobody is going to replace.
const EndsSoon = 30 * 24 * time.Hour

// EndsBefore reports whether the record has an end, and before t.
func (r Record) EndsBefore(t time.Time) bool { return !r.Until.IsZero() && r.Until.Before(t) }

// Parse reads the value of a TXT record as a CA does: names of parameters are
// compared without their case, unknown ones are passed over, and a record with
// one twice, with an empty one, or with a value out of place is no good. The
// issuer is returned also with an error, to say whose record it was meant to be.
func Parse(value string) (Record, error) {
	parts := strings.Split(value, ";")
	r := Record{Issuer: strings.Trim(parts[0], blanks)}
	var seen []string
	for _, part := range parts[1:] {
		tag, value, found := strings.Cut(part, "=")
		tag, value = strings.ToLower(strings.Trim(tag, blanks)), strings.Trim(value, blanks)
		switch {
		case !found || tag == "":
			return r, fmt.Errorf("%q is not a parameter like tag=value", strings.Trim(part, blanks))
		case slices.Contains(seen, tag):
			return r, fmt.Errorf("%s is there twice", tag)
		case strings.IndexFunc(value, outOfPlace) >= 0:
			return r, fmt.Errorf("the value of %s has characters that it may not have", tag)
		}
		seen = append(seen, tag)
		if err := r.set(tag, value); err != nil {
			return r, err
		}
	}
	switch {
	case r.Issuer == "":
		return r, errors.New("the issuer's domain name is missing")
	case r.Account == "":
		return r, errors.New("accounturi is missing")
	}
	return r, nil
}

const (
	blanks = " \t"
	latest = 253402300799 // the end of the year 9999, in seconds since 1970
)

// outOfPlace reports whether a character may not be in a value (RFC 8659 §4.2).
func outOfPlace(c rune) bool { return c < 0x21 || c > 0x7e || c == ';' }

func (r *Record) set(tag, value string) error {
	switch tag {
	case "accounturi":
		if r.Account = value; value == "" {
			return errors.New("accounturi is empty")
		}
	case "policy": // others than wildcard are as if they were not there
		r.Wildcard = strings.EqualFold(value, "wildcard")
	case "persistuntil":
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fmt.Errorf("persistUntil %q is not a number of seconds", value)
		}
		r.Until = time.Unix(min(max(seconds, 0), latest), 0)
	}
	return nil
}
