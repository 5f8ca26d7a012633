package caa

import (
	"fmt"
	"slices"
	"strings"
)

// Record is one property of a CAA record set (RFC 8659 §4.1).
type Record struct {
	Flags uint8  `json:"flags"`
	Tag   string `json:"tag"`
	Value string `json:"value"`
}

// String returns the record's data as zone files have it.
func (r Record) String() string { return fmt.Sprintf("%d %s %q", r.Flags, r.Tag, r.Value) }

// is compares the tag, whose case does not matter (RFC 8659 §4.1).
func (r Record) is(tag string) bool { return strings.EqualFold(r.Tag, tag) }

// known are the properties that CAs understand or may ignore safely.
var known = [...]string{"issue", "issuewild", "iodef", "issuemail"}

// forbids reports whether the record stops every CA that does not know its
// property. The critical flag is the highest bit (RFC 8659 §4.1); Let's Encrypt
// takes the lowest for it too, as people have mistaken one for the other.
func (r Record) forbids() bool {
	return r.Flags&(128|1) != 0 && !slices.ContainsFunc(known[:], r.is)
}

// grant is the value of an issue or issuewild property (RFC 8659 §4.2).
type grant struct {
	issuer     string // in lower case; "" for nobody
	parameters []parameter
}

type parameter struct{ tag, value string }

// values returns the values of all parameters with a tag.
func (g grant) values(tag string) []string {
	var vs []string
	for _, p := range g.parameters {
		if strings.EqualFold(p.tag, tag) {
			vs = append(vs, p.value)
		}
	}
	return vs
}

// parse reads a value. What is malformed names no issuer, and so lets nobody
// issue (RFC 8659 §4.2).
func parse(value string) (grant, error) {
	issuer, rest, more := strings.Cut(value, ";")
	g := grant{issuer: strings.ToLower(strings.Trim(issuer, " \t"))}
	if strings.ContainsFunc(g.issuer, func(c rune) bool { return !isIssuer(c) }) {
		return grant{}, fmt.Errorf("%q is no domain name", g.issuer)
	}
	if !more || strings.Trim(rest, " \t") == "" {
		return g, nil
	}
	for word := range strings.SplitSeq(rest, ";") {
		tag, v, found := strings.Cut(strings.Trim(word, " \t"), "=")
		p := parameter{strings.Trim(tag, " \t"), strings.Trim(v, " \t")}
		if !found || p.tag == "" || strings.ContainsFunc(p.value, func(c rune) bool { return c <= ' ' || c > '~' }) {
			return grant{}, fmt.Errorf("%q is no tag=value", strings.Trim(word, " \t"))
		}
		g.parameters = append(g.parameters, p)
	}
	return g, nil
}

func isIssuer(c rune) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.'
}
