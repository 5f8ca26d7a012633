package acme

import (
	"context"
	"time"
)

// Status is the status of an order or an authorization (RFC 8555 §7.1.6).
type Status string

// The statuses of RFC 8555 §7.1.6.
const (
	Pending     Status = "pending"
	Ready       Status = "ready"
	Processing  Status = "processing"
	Valid       Status = "valid"
	Invalid     Status = "invalid"
	Deactivated Status = "deactivated"
	Expired     Status = "expired"
	Revoked     Status = "revoked"
)

// Order is an order at a CA, as last seen.
type Order struct {
	URL     string
	Status  Status
	Names   []string
	Expires time.Time
	Account *Account
}

// Authorization is the CA's wish to see one identifier validated.
type Authorization struct {
	URL      string
	Domain   string // without "*."
	Wildcard bool
	Status   Status
	Value    string // of the TXT record for dns-01 (RFC 8555 §8.4)
}

// Name returns the name as it was ordered, with "*." for a wildcard.
func (z *Authorization) Name() string { panic("not yet written") }

// Pending returns the authorizations that are not valid yet, in the order of
// the names. They are fetched side by side. One without a dns-01 challenge is
// an error that lists what the CA offers for it.
func (o *Order) Pending(ctx context.Context) ([]*Authorization, error) { panic("not yet written") }

// Validate tells the CA that the records of these authorizations are there,
// and watches the order until it is ready. observe, if not nil, is told each
// authorization's final status. The error holds the CA's problem for each name
// that it refused, verbatim.
func (o *Order) Validate(ctx context.Context, zs []*Authorization, observe func(*Authorization)) error {
	panic("not yet written")
}

// Finalize sends the certificate request (DER), waits for the certificate and
// fetches it with its chain: DER, leaf first. An order that is finalized
// already is waited for; one that is valid is fetched.
func (o *Order) Finalize(ctx context.Context, csr []byte) ([][]byte, error) { panic("not yet written") }

// Abandon deactivates the authorizations that are still pending, so that they
// do not count against the account's limits.
func (o *Order) Abandon(ctx context.Context) error { panic("not yet written") }
