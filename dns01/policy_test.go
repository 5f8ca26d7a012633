package dns01

import (
	"errors"
	"testing"

	"certctl/delegation"
)

// teller is a provider that says which owners it was asked about.
type teller struct{ Provider }

func (teller) Policies(zone delegation.Name, owners []delegation.Name) []Policy {
	var policies []Policy
	for _, o := range owners {
		policies = append(policies, Policy{Kind: "test", Text: o.String() + " in " + zone.String()})
	}
	return policies
}

func TestPolicies(t *testing.T) {
	const zone, owner = delegation.Name("auth.example.net."), delegation.Name("www.auth.example.net.")
	got, err := NewCredential("test", zone, teller{}).Policies(zone, []delegation.Name{owner})
	if err != nil || len(got) != 1 || got[0].Text != "www.auth.example.net. in auth.example.net." {
		t.Errorf("got %v, %v, want the provider's policy", got, err)
	}
	var scope *ScopeError
	if _, err := NewCredential("test", owner, teller{}).Policies(zone, []delegation.Name{owner, "other.auth.example.net."}); !errors.As(err, &scope) {
		t.Errorf("an owner outside the scope: got %v, want a *ScopeError", err)
	}
	if _, err := NewCredential("test", zone, struct{ Provider }{}).Policies(zone, []delegation.Name{owner}); err == nil {
		t.Error("a provider without policies: got no error")
	}
}
