package cli

import (
	"fmt"
	"strings"

	"certctl/config"
	"certctl/delegate"
	"certctl/delegation"
)

// refused returns why a service is not written to: its name, and what is wrong
// with its API. There is nothing wrong with having the main zone there.
func refused() map[string]string {
	const wholeAccount = "its keys are for the whole account"
	return map[string]string{
		"bunny":     wholeAccount,
		"godaddy":   "its API is closed to small accounts, and its keys are for the whole account",
		"ionos":     wholeAccount + ", and changes take a quarter of an hour",
		"namecheap": "its API knows no single record: every change rewrites the whole zone, and what others change meanwhile is lost",
		"netcup":    "its API needs the password of the whole account",
	}
}

// RefusedError says that a service is not written to.
type RefusedError struct {
	Provider string
	Reason   string
	Scope    delegation.Name
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("certctl does not write to %s: %s", e.Provider, e.Reason)
}

// Hint says how to get along without.
func (e *RefusedError) Hint() string {
	return fmt.Sprintf("delegate instead: have a zone for this alone at another provider, here auth.example.net, add once at %s\n%sand put auth.example.net under zones: in place of %s; certctl delegate prints the record for each name", e.Provider, e.records(), e.Scope.Bare())
}

// records are those to add by hand.
func (e *RefusedError) records() string {
	domain := strings.TrimPrefix(e.Scope.Bare(), "_acme-challenge.")
	plan, err := delegate.Request{Names: []string{domain}, To: "auth.example.net.", TTL: delegate.DefaultTTL}.Plan()
	if err != nil {
		return ""
	}
	var b strings.Builder
	for _, r := range plan.Records() {
		fmt.Fprintf(&b, "  %s %s %s\n", r.Owner, r.Type, r.Data)
	}
	return b.String()
}

// refuse returns the error for a service that is not written to, or nil.
func refuse(z *config.Zone) error {
	reason, ok := refused()[z.Provider]
	if !ok {
		return nil
	}
	scope, err := delegation.ParseName(z.Scope)
	if err != nil {
		return z.Problem("", err)
	}
	return z.Problem("provider", &RefusedError{z.Provider, reason, scope})
}
