package dns01_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"certctl/delegation"
	"certctl/dns01"
)

// prober is a provider that can be tried, and counts how often it was.
type prober struct {
	dns01.Provider
	pinged, probed []delegation.Name
}

func (p *prober) Ping(_ context.Context, zone delegation.Name, _ []delegation.Name) error {
	p.pinged = append(p.pinged, zone)
	return nil
}

func (p *prober) ProbeScope(_ context.Context, _, owner delegation.Name) (dns01.Breadth, error) {
	p.probed = append(p.probed, owner)
	return dns01.Breadth{Trials: []dns01.Trial{{Reach: dns01.TheApex}, {Reach: dns01.OtherTypes, Accepted: true}}}, nil
}

// A key is tried only where the scope lets it be used.
func TestTryWithinScope(t *testing.T) {
	p := &prober{}
	c := narrow("key", "a.auth.example.net.", "auth.example.net.", p)
	var refused *dns01.ScopeError
	for _, zone := range []delegation.Name{"b.a.auth.example.net.", "example.com.", "x.auth.example.net."} {
		if err := c.Ping(t.Context(), zone, nil); !errors.As(err, &refused) {
			t.Errorf("Ping %s: got %v, want a ScopeError", zone, err)
		}
	}
	for _, owner := range []delegation.Name{"auth.example.net.", "b.auth.example.net.", "xa.auth.example.net."} {
		if _, err := c.ProbeScope(t.Context(), "auth.example.net.", owner); !errors.As(err, &refused) {
			t.Errorf("ProbeScope %s: got %v, want a ScopeError", owner, err)
		}
	}
	if len(p.pinged)+len(p.probed) > 0 {
		t.Fatalf("got %q and %q tried outside the scope", p.pinged, p.probed)
	}
	if err := c.Ping(t.Context(), "auth.example.net.", nil); err != nil || len(p.pinged) != 1 {
		t.Errorf("Ping: got %v, pinged %q, want it done", err, p.pinged)
	}
	b, err := c.ProbeScope(t.Context(), "auth.example.net.", "x.a.auth.example.net.")
	if err != nil || len(p.probed) != 1 || len(b.Wide()) != 1 || b.Wide()[0].Reach != dns01.OtherTypes {
		t.Errorf("ProbeScope: got %v, %v, want that other types are accepted", b, err)
	}
}

// A provider that cannot be tried is no error of the user's.
func TestTryUnsupported(t *testing.T) {
	c := dns01.NewCredential("key", "auth.example.net.", struct{ dns01.Provider }{})
	if err := c.Ping(t.Context(), "auth.example.net.", nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Ping: got %v, want that it is unsupported", err)
	}
	if _, err := c.ProbeScope(t.Context(), "auth.example.net.", "auth.example.net."); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("ProbeScope: got %v, want that it is unsupported", err)
	}
}

// chatty is a provider whose service repeats its secret.
type chatty struct{ prober }

func (*chatty) Censor(text string) string { return strings.ReplaceAll(text, "s3cret", "[secret]") }

func (*chatty) ProbeScope(context.Context, delegation.Name, delegation.Name) (dns01.Breadth, error) {
	return dns01.Breadth{Unseen: "not s3cret", Trials: []dns01.Trial{{Question: "zone s3cret", Answer: "s3cret, s3cret"}}}, nil
}

func TestCensor(t *testing.T) {
	c := dns01.NewCredential("key", "auth.example.net.", &chatty{})
	b, err := c.ProbeScope(t.Context(), "auth.example.net.", "auth.example.net.")
	if text := fmt.Sprint(b, err); strings.Contains(text, "s3cret") || strings.Count(text, "[secret]") != 4 {
		t.Errorf("got %s, want the secret taken out four times", text)
	}
}
