package issuance

import (
	"context"
	"errors"
	"testing"
	"time"

	"certctl/delegation"
	"certctl/dns01"
)

// informed is a provider that knows who has asked, or does not.
type informed struct {
	dns01.Provider
	askers []dns01.Asker
	calls  int
}

func (p *informed) Askers(context.Context, delegation.Name, delegation.Name) ([]dns01.Asker, error) {
	p.calls++
	if p.askers == nil {
		return nil, errors.ErrUnsupported
	}
	return p.askers, nil
}

// Who asked before the CA began is not told of, and a server that knows nothing
// is asked once.
func TestAudience(t *testing.T) {
	began := time.Now()
	knows := &informed{askers: []dns01.Asker{{Queries: 1, Last: began.Add(-time.Second)}, {Queries: 2, Last: began.Add(time.Second)}}}
	silent := new(informed)
	b := &batch{began: map[Step]time.Time{Validating: began}}
	for _, p := range []*informed{knows, silent} {
		c := dns01.NewCredential("", "auth.example.net.", p)
		for _, owner := range []delegation.Name{"a.auth.example.net.", "a.auth.example.net.", "b.auth.example.net."} {
			if p == silent {
				owner = "x" + owner
			}
			target := &delegation.Target{Zone: "auth.example.net.", Owner: owner}
			b.published = append(b.published, dns01.Publication{Grant: dns01.Grant{Target: target, Credential: c}})
		}
	}
	var told []Asked
	i := &Issuer{Watch: func(e Event) { told = append(told, e.(Asked)) }}
	i.audience(t.Context(), b)()
	if knows.calls != 2 || silent.calls != 1 {
		t.Errorf("got %d and %d questions, want 2 and 1", knows.calls, silent.calls)
	}
	if len(told) != 2 || len(told[0].Networks) != 1 || told[0].Networks[0].Queries != 2 {
		t.Errorf("got %+v, want one network for each of two names", told)
	}
}
