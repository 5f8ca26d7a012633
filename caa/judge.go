package caa

import (
	"slices"
	"strings"
)

// Request is what a certificate authority is about to be asked for.
type Request struct {
	Wildcard   bool     // the name begins with "*."
	Identities []string // the CA's names in CAA records (caaIdentities, RFC 8555 §7.1.1); none: not known
	Account    string   // URL of our account there; "": there is none yet
	Method     string   // of validation, such as dns-01
}

// Reason is why a CA may issue or may not.
type Reason string

// The reasons, from worst to best.
const (
	Critical     Reason = "critical"      // an unknown property is marked as critical
	Nobody       Reason = "nobody"        // the records let nobody issue
	Malformed    Reason = "malformed"     // a value cannot be read, so that it lets nobody issue
	OtherIssuer  Reason = "other-issuer"  // the records name other CAs
	OtherMethod  Reason = "other-method"  // this CA may, but not by this method
	OtherAccount Reason = "other-account" // this CA may, but not for this account
	NoAccount    Reason = "no-account"    // only for a certain account, and we have none yet
	Undecided    Reason = "undecided"     // the CA's names are not known
	Granted      Reason = "granted"       // a record names the CA, and all of its conditions are met
	Unrestricted Reason = "unrestricted"  // no record says anything about it
)

// order ranks the reasons.
var order = []Reason{Critical, Nobody, Malformed, OtherIssuer, OtherMethod, OtherAccount, NoAccount, Undecided, Granted, Unrestricted}

// Verdict is the outcome, and the record that decided it.
type Verdict struct {
	Reason Reason
	Record Record // the zero Record when nothing restricts
}

// Allowed reports whether the CA may issue, as far as this can be known.
func (v Verdict) Allowed() bool { return v.Reason == Granted || v.Reason == Unrestricted }

// Forbidden reports whether the CA must refuse.
func (v Verdict) Forbidden() bool {
	return slices.Index(order, v.Reason) <= slices.Index(order, OtherAccount)
}

// Judge reads records as a CA does (RFC 8659 §4.2 and §4.3). Where several
// forbid it, the verdict is about the one that comes closest.
func Judge(records []Record, q Request) Verdict {
	for _, r := range records {
		if r.forbids() {
			return Verdict{Critical, r}
		}
	}
	best := Verdict{Reason: Unrestricted}
	for i, r := range relevant(records, q.Wildcard) {
		v := Verdict{q.judge(r), r}
		if i == 0 || slices.Index(order, v.Reason) > slices.Index(order, best.Reason) {
			best = v
		}
	}
	return best
}

// relevant returns the issuewild records for a wildcard, where there are any,
// and else the issue records (RFC 8659 §4.3).
func relevant(records []Record, wildcard bool) []Record {
	var issue, issuewild []Record
	for _, r := range records {
		switch {
		case r.is("issue"):
			issue = append(issue, r)
		case r.is("issuewild"):
			issuewild = append(issuewild, r)
		}
	}
	if wildcard && len(issuewild) > 0 {
		return issuewild
	}
	return issue
}

// judge reads one issue or issuewild record.
func (q Request) judge(r Record) Reason {
	g, err := parse(r.Value)
	switch {
	case err != nil:
		return Malformed
	case g.issuer == "":
		return Nobody
	case len(q.Identities) == 0:
		return Undecided
	case !slices.ContainsFunc(q.Identities, func(id string) bool { return strings.EqualFold(id, g.issuer) }):
		return OtherIssuer
	}
	return q.conditions(g)
}

// conditions judges the parameters of RFC 8657. Each may be given once; twice
// is a condition that nobody meets (§3).
func (q Request) conditions(g grant) Reason {
	methods, accounts := g.values("validationmethods"), g.values("accounturi")
	switch {
	case len(methods) > 1 || len(methods) == 1 && !slices.Contains(strings.Split(methods[0], ","), q.Method):
		return OtherMethod
	case len(accounts) > 1:
		return OtherAccount
	case len(accounts) == 0:
		return Granted
	case q.Account == "":
		return NoAccount
	case accounts[0] != q.Account:
		return OtherAccount
	}
	return Granted
}
