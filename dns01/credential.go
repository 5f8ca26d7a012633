package dns01

import (
	"context"
	"time"

	"github.com/libdns/libdns"

	"certctl/delegation"
)

// Provider edits the records of DNS zones at one server or service, with one
// key. AppendRecords must return nil only when the records are there (read
// back where the service can), must be idempotent, and must never change or
// remove another record; DeleteRecords removes exactly the given values and
// succeeds when they are gone already.
type Provider interface {
	libdns.RecordAppender
	libdns.RecordDeleter
}

// Record is one validation record as published and journaled.
type Record struct {
	Zone  delegation.Name `json:"zone"`
	Owner delegation.Name `json:"owner"`
	Value string          `json:"value"`
	TTL   time.Duration   `json:"ttl"`
}

// Propagation is how one zone's servers are waited for.
type Propagation struct {
	Timeout time.Duration // 0: 10 minutes
	Settle  time.Duration // wait this much longer after all servers agree; for anycast services
}

// Credential is a key together with the scope in which it may be used: the one
// way to a Provider. Everything outside the scope is refused here, before the
// provider sees it.
type Credential struct {
	Label       string          // how the user knows it: provider and key name, never the secret
	Scope       delegation.Name // the owner names at and below this are covered
	TTL         time.Duration   // of new record sets; 0: 60 s
	Propagation Propagation

	provider Provider
}

// NewCredential binds a provider to a scope.
func NewCredential(label string, scope delegation.Name, p Provider) *Credential {
	return &Credential{Label: label, Scope: scope, provider: p}
}

// Covers reports whether the credential may write at owner in zone: owner is
// at or below the scope, and the scope at or below the zone's apex, so that no
// zone cut lies between the scope and the owner.
func (c *Credential) Covers(zone, owner delegation.Name) bool { panic("not yet written") }

// Append publishes records of one zone in one call.
func (c *Credential) Append(ctx context.Context, zone delegation.Name, records []Record) error {
	panic("not yet written")
}

// Delete removes exactly these records of one zone in one call.
func (c *Credential) Delete(ctx context.Context, zone delegation.Name, records []Record) error {
	panic("not yet written")
}

// Credentials are all that the user has configured.
type Credentials []*Credential

// Grant is the permission to write at one target with one credential.
type Grant struct {
	Target     *delegation.Target // the place chosen: t, or t.Explicit where only that is covered
	Credential *Credential
}

// For returns the grant for a target: of the credentials that cover it, the
// one with the longest scope. Where the target comes from a wildcard alias
// that no credential covers, the explicit place is tried. There is no other
// fallback: a DNS answer says where we write, only the configuration says what
// with. The error is a *NoCredentialError.
func (cs Credentials) For(t *delegation.Target) (Grant, error) { panic("not yet written") }

// ByScope returns the credential with exactly this scope, as journaled.
func (cs Credentials) ByScope(scope delegation.Name) (*Credential, bool) { panic("not yet written") }
